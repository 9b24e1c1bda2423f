/**
 * The embedded store: states and checkpoints in one SQLite file. A commit is one transaction, which makes every check
 * before its first write; a read is one transaction, so its sections reflect one moment.
 */
import type { StatementSync } from 'node:sqlite';
import { type SqliteSchema, openSqliteFile } from '../core/sqlite.ts';
import type { StoredState } from '../state/state.ts';
import type {
  Checkpoint,
  Commit,
  CommitResult,
  CommitSection,
  Position,
  ReadSection,
  ShardId,
  ShardRead,
  Store,
} from './store.ts';

/** Bytes of one commit that the driver keeps to: a transaction of a few milliseconds. */
const COMMIT_BYTES_MAX = 1_048_576;

const SCHEMA: SqliteSchema = {
  applicationId: 0x736b7773,
  version: 1,
  name: 'store',
  statements: `
    CREATE TABLE shards (
      id INTEGER PRIMARY KEY, namespace TEXT NOT NULL, source TEXT NOT NULL, entity_key TEXT NOT NULL,
      partition INTEGER NOT NULL, fingerprint TEXT NOT NULL, checkpoint TEXT,
      UNIQUE (namespace, source, entity_key, partition, fingerprint)
    );
    CREATE TABLE states (
      shard INTEGER NOT NULL REFERENCES shards (id), entity TEXT NOT NULL,
      version INTEGER NOT NULL, head BLOB NOT NULL, tiles BLOB,
      PRIMARY KEY (shard, entity)
    )`,
};

export interface SqliteStoreOptions {
  readonly file: string;
  /** Keeps deployments that share the file apart. */
  readonly namespace: string;
}

interface Statements {
  readonly shard: StatementSync;
  readonly addShard: StatementSync;
  readonly setCheckpoint: StatementSync;
  readonly state: StatementSync;
  readonly version: StatementSync;
  readonly replace: StatementSync;
  readonly replaceHead: StatementSync;
  readonly append: StatementSync;
}

/** What a commit found stored for one of its sections. */
interface Stored {
  /** Null: nothing was ever committed. */
  readonly id: number | null;
  readonly checkpoint: Checkpoint | null;
}

/** Opens or creates the file; throws `sqlite_unusable` if it is not a store. */
export async function openSqliteStore({ file, namespace }: SqliteStoreOptions): Promise<Store> {
  const sqlite = openSqliteFile(file, SCHEMA);
  const statements = prepare((sql) => sqlite.database.prepare(sql));
  const find = (shard: ShardId, fingerprint: string): Stored => findShard(statements, namespace, shard, fingerprint);
  return {
    commitBytesMax: COMMIT_BYTES_MAX,
    commit: async (commit) =>
      sqlite.write(() => {
        const stored = commit.sections.map((section) => find(commit.shard, section.fingerprint));
        return refusal(statements, commit, stored) ?? apply(statements, namespace, commit, stored);
      }),
    read: async (shard, sections) =>
      sqlite.read(() => sections.map((section) => readSection(statements, find(shard, section.fingerprint), section))),
    ping: async () => sqlite.read(() => undefined),
    close: async () => sqlite.close(),
  };
}

function prepare(sql: (text: string) => StatementSync): Statements {
  return {
    shard: sql(
      'SELECT id, checkpoint FROM shards WHERE namespace = ? AND source = ? AND entity_key = ? AND partition = ? AND fingerprint = ?',
    ),
    addShard: sql('INSERT INTO shards (namespace, source, entity_key, partition, fingerprint) VALUES (?, ?, ?, ?, ?)'),
    setCheckpoint: sql('UPDATE shards SET checkpoint = ? WHERE id = ?'),
    state: sql('SELECT version, head, tiles FROM states WHERE shard = ? AND entity = ?'),
    version: sql('SELECT version FROM states WHERE shard = ? AND entity = ?'),
    replace: sql('INSERT OR REPLACE INTO states (shard, entity, version, head, tiles) VALUES (?, ?, ?, ?, ?)'),
    replaceHead: sql(
      'INSERT INTO states (shard, entity, version, head) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET version = excluded.version, head = excluded.head',
    ),
    // `||` gives text; the bytes are those of both blobs all the same.
    append: sql('UPDATE states SET version = ?3, head = CAST(head || ?4 AS BLOB) WHERE shard = ?1 AND entity = ?2'),
  };
}

function findShard(
  statements: Statements,
  namespace: string,
  { source, entityKey, partition }: ShardId,
  fingerprint: string,
): Stored {
  const row = statements.shard.get(namespace, source, entityKey, partition, fingerprint) as
    | { id: number; checkpoint: string | null }
    | undefined;
  if (row === undefined) return { id: null, checkpoint: null };
  return { id: row.id, checkpoint: row.checkpoint === null ? null : (JSON.parse(row.checkpoint) as Checkpoint) };
}

/** Why the commit must not happen, or null. Nothing is written before every section has passed. */
function refusal(statements: Statements, { sections }: Commit, stored: readonly Stored[]): CommitResult | null {
  for (const [index, { fingerprint, checkpoint }] of sections.entries()) {
    const epoch = stored[index]?.checkpoint?.epoch ?? 0;
    if (epoch > checkpoint.epoch) return { kind: 'fenced', fingerprint, epoch };
  }
  for (const [index, section] of sections.entries()) {
    const { id, checkpoint } = stored[index] as Stored;
    const position = checkpoint?.position ?? null;
    const { fingerprint } = section;
    if (!samePosition(position, section.expectedPosition)) return { kind: 'moved', fingerprint, position };
    if (!versionsMatch(statements, id, section)) return { kind: 'moved', fingerprint, position };
  }
  return null;
}

function versionsMatch(statements: Statements, shard: number | null, { changes }: CommitSection): boolean {
  return changes.every(({ entity, change }) => {
    const row = shard === null ? undefined : statements.version.get(shard, entity);
    return (row?.['version'] ?? 0) === change.fromVersion;
  });
}

function samePosition(one: Position | null, other: Position | null): boolean {
  if (one === null || other === null) return one === other;
  const partitions = Object.keys(one);
  return (
    partitions.length === Object.keys(other).length &&
    partitions.every((partition) => one[Number(partition)] === other[Number(partition)])
  );
}

function apply(
  statements: Statements,
  namespace: string,
  { shard, sections }: Commit,
  stored: readonly Stored[],
): CommitResult {
  for (const [index, { fingerprint, checkpoint, changes }] of sections.entries()) {
    const id = stored[index]?.id ?? addShard(statements, namespace, shard, fingerprint);
    for (const { entity, change } of changes) {
      const { toVersion, head, tiles } = change;
      if (head.mode === 'append') statements.append.run(id, entity, toVersion, head.bytes);
      else if (tiles === null) statements.replaceHead.run(id, entity, toVersion, head.bytes);
      else statements.replace.run(id, entity, toVersion, head.bytes, tiles);
    }
    statements.setCheckpoint.run(JSON.stringify(checkpoint), id);
  }
  return { kind: 'ok' };
}

function addShard(
  statements: Statements,
  namespace: string,
  { source, entityKey, partition }: ShardId,
  fingerprint: string,
): number {
  return Number(statements.addShard.run(namespace, source, entityKey, partition, fingerprint).lastInsertRowid);
}

function readSection(statements: Statements, { id, checkpoint }: Stored, { entities }: ReadSection): ShardRead {
  const states = entities.map((entity): StoredState | null => {
    if (id === null || checkpoint === null) return null;
    return (statements.state.get(id, entity) as StoredState | undefined) ?? null;
  });
  return { checkpoint, states };
}
