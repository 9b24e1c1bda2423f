/** What tests of the Redis store share. */
import { readFileSync } from 'node:fs';
import { END_CHECKSUM, endedBytes, textOf } from '../contract/ended.ts';
import type { Checkpoint, Commit, CommitSection, ShardId, Store } from '../../src/store/store.ts';

/** The commands that docs/redis.md says a user needs. */
export const ACL_RULES: readonly string[] = aclRules();

function aclRules(): string[] {
  const line = /^ACL SETUSER .*$/m.exec(readFileSync('docs/redis.md', 'utf8'))?.[0] ?? '';
  const rules = line.split(' ').filter((rule) => rule.startsWith('+'));
  if (rules.length === 0) throw new Error('docs/redis.md no longer says which commands a user needs');
  return rules;
}

export const SHARD: ShardId = { source: 's', entityKey: 'k', partition: 0 };

export interface Step {
  readonly from: number | null;
  readonly to: number;
  readonly epoch?: number;
  /** Entity → version that it is folded from. */
  readonly changes?: Readonly<Record<string, number>>;
  readonly ttlMs?: number;
}

/** A commit of fingerprint `f` that appends `x` to each entity named. */
export function commitOf({ from, to, epoch = 1, changes = {}, ttlMs }: Step, shard = SHARD): Commit {
  const checkpoint: Checkpoint = {
    position: { [shard.partition]: to },
    epoch,
    owner: 'test',
    heartbeatMs: 1,
    caughtUpAtMs: null,
    buildTarget: {},
    completeFromMs: null,
    partitions: 1,
    transitPosition: null,
    buildStartedMs: 1,
    receivedAtMs: null,
    erasing: null,
    watermarkMs: null,
  };
  const section: CommitSection = {
    fingerprint: 'f',
    expected: from === null ? null : { position: { [shard.partition]: from }, buildStartedMs: 1 },
    checkpoint,
    stateTtlMs: ttlMs ?? null,
    changes: Object.entries(changes).map(([entity, fromVersion]) => ({
      entity,
      change: {
        fromVersion,
        toVersion: fromVersion + 1,
        fromChecksum: fromVersion === 0 ? null : END_CHECKSUM,
        keepsTiles: false,
        head: { mode: fromVersion === 0 ? 'replace' : 'append', bytes: endedBytes('x') },
        tiles: null,
      },
    })),
  };
  return { shard, sections: [section] };
}

export async function positionIn(store: Store, shard = SHARD): Promise<number | null> {
  const [read] = await store.read(shard, [{ fingerprint: 'f', entities: [] }]);
  return read?.checkpoint?.position[shard.partition] ?? null;
}

export async function headOf(store: Store, entity: string, shard = SHARD): Promise<string | null> {
  const [read] = await store.read(shard, [{ fingerprint: 'f', entities: [entity] }]);
  const state = read?.states[0] ?? null;
  return state && textOf(state.head);
}
