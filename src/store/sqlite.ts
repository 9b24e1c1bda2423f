/**
 * The embedded store: states and checkpoints in a SQLite file. A commit is one transaction, which makes every check
 * before its first write; a read is one transaction, so its sections reflect one moment.
 */
import { assert } from '../core/assert.ts';
import { openSqliteFile } from '../core/sqlite.ts';
import { isMadeFrom } from '../state/codec.ts';
import { createTables, type StoredShard, type Tables } from './sqlite-tables.ts';
import { STORE_PART } from './sqlite-schema.ts';
import type { Checkpoint, Commit, CommitResult, CommitSection, ReadSection, ShardRead, Store } from './store.ts';
import { createNotices } from './notices.ts';
import { isSamePlace } from './place.ts';

/** Bytes of one commit that the driver keeps to: a transaction of a few milliseconds. */
const COMMIT_BYTES_MAX = 1_048_576;
const COMMIT_CHANGES_MAX = 10_000;

export interface SqliteStoreOptions {
  /** May be the log's file, too. */
  readonly file: string;
  /** Keeps deployments that share the file apart. */
  readonly namespace: string;
}

/** Opens or creates the file; throws `sqlite_unusable` if it is not ours, `sqlite_damaged` if it cannot be read. */
export async function openSqliteStore({ file, namespace }: SqliteStoreOptions): Promise<Store> {
  const sqlite = openSqliteFile(file, STORE_PART);
  const tables = createTables(sqlite, namespace);
  const notices = createNotices();
  return {
    commitBytesMax: COMMIT_BYTES_MAX,
    commitChangesMax: COMMIT_CHANGES_MAX,
    async commit(commit) {
      const result = sqlite.write(() => commitIn(tables, commit));
      if (result.kind === 'ok') notices.tell(commit);
      return result;
    },
    read: async (shard, sections) =>
      sqlite.read(() => sections.map((section) => readIn(tables, tables.shard(shard, section.fingerprint), section))),
    subscribe: (listener) => notices.subscribe(listener),
    nodeOf: () => 'sqlite',
    list: async () => sqlite.read(() => tables.list()),
    drop: async (shard, fingerprint) => sqlite.write(() => tables.drop(shard, fingerprint)),
    ping: async () => sqlite.read(() => tables.touch()),
    close: async () => sqlite.close(),
  };
}

function commitIn(tables: Tables, commit: Commit): CommitResult {
  const { shard, sections } = commit;
  const fingerprints = new Set(sections.map(({ fingerprint }) => fingerprint));
  assert(fingerprints.size === sections.length, 'a commit has one section for a fingerprint');
  const stored = sections.map(({ fingerprint }) => tables.shard(shard, fingerprint));
  const refused = refusal(tables, sections, stored);
  if (refused !== null) return refused;
  for (const [index, { fingerprint, checkpoint, changes, stateTtlMs }] of sections.entries()) {
    const before = stored[index] ?? null;
    const id = before?.id ?? tables.addShard(shard, fingerprint);
    if (!isOfBuild(before, checkpoint)) tables.clear(id);
    const expiresMs = stateTtlMs === null ? null : checkpoint.heartbeatMs + stateTtlMs;
    for (const { entity, change } of changes) tables.change(id, entity, change, expiresMs);
    // By the owner's clock, which commits at least once a second.
    tables.expire(id, checkpoint.heartbeatMs);
    tables.setCheckpoint(id, checkpoint);
  }
  return { kind: 'ok' };
}

/** Why the commit must not happen, or null. Nothing is written before every section has passed; fences come first. */
function refusal(
  tables: Tables,
  sections: readonly CommitSection[],
  stored: readonly (StoredShard | null)[],
): CommitResult | null {
  for (const [index, { fingerprint, checkpoint }] of sections.entries()) {
    const epoch = stored[index]?.checkpoint.epoch ?? 0;
    if (epoch > checkpoint.epoch) return { kind: 'fenced', fingerprint, epoch };
  }
  for (const [index, { fingerprint, expected, checkpoint, changes }] of sections.entries()) {
    const shard = stored[index] ?? null;
    const position = shard?.checkpoint.position ?? null;
    const asExpected =
      isSamePlace(shard?.checkpoint ?? null, expected) &&
      changes.every(({ entity, change }) => isMadeFrom(change, markIn(tables, shard, checkpoint, entity)));
    if (!asExpected) return { kind: 'moved', fingerprint, position };
  }
  return null;
}

/** Null where the entity has no state in the build that `next` continues or begins. */
function markIn(
  tables: Tables,
  shard: StoredShard | null,
  next: Checkpoint,
  entity: string,
): ReturnType<Tables['mark']> {
  return shard === null || !isOfBuild(shard, next) ? null : tables.mark(shard.id, entity);
}

function isOfBuild(shard: StoredShard | null, { buildStartedMs }: Checkpoint): boolean {
  return shard === null || shard.checkpoint.buildStartedMs === buildStartedMs;
}

function readIn(tables: Tables, shard: StoredShard | null, { entities }: ReadSection): ShardRead {
  if (shard === null) return { checkpoint: null, states: entities.map(() => null) };
  return { checkpoint: shard.checkpoint, states: entities.map((entity) => tables.state(shard.id, entity)) };
}
