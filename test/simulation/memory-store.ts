/** The `Store` port in memory, to its contract, with faults that a test injects around each call. */
import { SkewlessError } from '../../src/core/errors.ts';
import { applyChange, isMadeFrom } from '../../src/state/codec.ts';
import { isSamePlace, isSamePosition } from '../../src/store/place.ts';
import type { StoredState } from '../../src/state/state.ts';
import type {
  Checkpoint,
  Commit,
  CommitResult,
  CommitSection,
  Place,
  ShardId,
  ShardRead,
  Store,
} from '../../src/store/store.ts';
import type { Defect } from './defect.ts';

interface StoredLane {
  readonly shard: ShardId;
  readonly fingerprint: string;
  readonly checkpoint: Checkpoint;
  readonly states: ReadonlyMap<string, StoredState>;
}

export interface StoreFaults {
  /** Called before a commit is looked at; what it throws is what the caller gets, and nothing is written. */
  beforeCommit?(commit: Commit): void;
  /** Called after a commit was applied; what it throws hides the answer. */
  afterCommit?(commit: Commit, result: CommitResult): void;
  beforeRead?(shard: ShardId): void;
}

export interface MemoryStore extends Store {
  faults: StoreFaults;
  /** Lane → what is stored; lanes are named by `laneName`. Immutable: kept ones can be put back. */
  lanes: ReadonlyMap<string, StoredLane>;
}

export function laneName(shard: ShardId, fingerprint: string): string {
  return `${shard.source}/${shard.entityKey}/${shard.partition}/${fingerprint}`;
}

export function outage(): SkewlessError {
  return new SkewlessError('store_unavailable', 'the store is away', { retryable: true });
}

/** Of commits, one in so many is torn. */
const TORN_EVERY = 6;
const STALE_EVERY = 4;

/** Few, so that runs reach it. */
const COMMIT_CHANGES_MAX = 12;

export function createMemoryStore(commitBytesMax = 65_536, defects: ReadonlySet<Defect> = new Set()): MemoryStore {
  let commits = 0;
  let reads = 0;
  let former: MemoryStore['lanes'] = new Map();
  const store: MemoryStore = {
    commitBytesMax,
    commitChangesMax: COMMIT_CHANGES_MAX,
    faults: {},
    lanes: new Map(),
    async commit(commit) {
      await turn();
      store.faults.beforeCommit?.(commit);
      const result = check(store.lanes, commit, defects);
      const torn = defects.has('torn_commit') && ++commits % TORN_EVERY === 0;
      if (result.kind === 'ok') former = store.lanes;
      if (result.kind === 'ok') store.lanes = write(store.lanes, torn ? withoutChanges(commit) : commit, defects);
      store.faults.afterCommit?.(commit, result);
      if (torn) throw outage();
      await turn();
      return result;
    },
    async read(shard, sections) {
      await turn();
      store.faults.beforeRead?.(shard);
      return sections.map(({ fingerprint, entities }): ShardRead => {
        const lane = store.lanes.get(laneName(shard, fingerprint));
        const stale = defects.has('stale_reads') && ++reads % STALE_EVERY === 0;
        const states = (stale ? former : store.lanes).get(laneName(shard, fingerprint))?.states;
        return {
          checkpoint: lane?.checkpoint ?? null,
          states: entities.map((entity) => states?.get(entity) ?? null),
        };
      });
    },
    subscribe: () => ({ follow: () => undefined, unfollow: () => undefined, close: () => Promise.resolve() }),
    nodeOf: () => 'memory',
    list: () =>
      Promise.resolve(
        [...store.lanes.values()].map(({ shard, fingerprint, checkpoint }) => ({ shard, fingerprint, checkpoint })),
      ),
    drop(shard, fingerprint) {
      const lanes = new Map(store.lanes);
      const count = lanes.get(laneName(shard, fingerprint))?.states.size ?? 0;
      lanes.delete(laneName(shard, fingerprint));
      store.lanes = lanes;
      return Promise.resolve(count);
    },
    ping: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
  return store;
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** As if the process had died after it wrote the position, and before it wrote the states. */
function withoutChanges({ shard, sections }: Commit): Commit {
  return { shard, sections: sections.map((section) => ({ ...section, changes: [] })) };
}

function check(lanes: MemoryStore['lanes'], { shard, sections }: Commit, defects: ReadonlySet<Defect>): CommitResult {
  for (const section of sections) {
    const lane = lanes.get(laneName(shard, section.fingerprint));
    const { fingerprint } = section;
    const stored = lane?.checkpoint ?? null;
    if (stored !== null && stored.epoch > section.checkpoint.epoch && !defects.has('no_epoch_check')) {
      return { kind: 'fenced', fingerprint, epoch: stored.epoch };
    }
    const isThere = isExpected(stored, section.expected, defects);
    const isSame = defects.has('no_version_check') || areMadeFromStored(lane, section, defects);
    if (!isThere || !isSame) {
      return { kind: 'moved', fingerprint, position: stored?.position ?? null };
    }
  }
  return { kind: 'ok' };
}

function isExpected(stored: Place | null, expected: Place | null, defects: ReadonlySet<Defect>): boolean {
  if (defects.has('no_position_check')) return true;
  if (defects.has('no_build_check') && stored !== null && expected !== null)
    return isSamePosition(stored.position, expected.position);
  return isSamePlace(stored, expected);
}

function areMadeFromStored(
  lane: StoredLane | undefined,
  { changes, checkpoint }: CommitSection,
  defects: ReadonlySet<Defect>,
): boolean {
  const states = statesOfBuild(lane, checkpoint, defects);
  return changes.every(({ entity, change }) => {
    const stored = states?.get(entity) ?? null;
    const asked = defects.has('no_checksum_check') ? { ...change, fromChecksum: null } : change;
    return isMadeFrom(asked, stored);
  });
}

/** Another build begins with nothing. */
function statesOfBuild(
  lane: StoredLane | undefined,
  { buildStartedMs }: Checkpoint,
  defects: ReadonlySet<Defect>,
): StoredLane['states'] | undefined {
  const isOne = lane?.checkpoint.buildStartedMs === buildStartedMs || defects.has('mixed_builds');
  return isOne ? lane?.states : undefined;
}

function write(
  lanes: MemoryStore['lanes'],
  { shard, sections }: Commit,
  defects: ReadonlySet<Defect>,
): MemoryStore['lanes'] {
  const written = new Map(lanes);
  for (const { fingerprint, checkpoint, changes } of sections) {
    const name = laneName(shard, fingerprint);
    const states = new Map(statesOfBuild(lanes.get(name), checkpoint, defects));
    for (const { entity, change } of changes) {
      if (change.head.mode === 'delete') states.delete(entity);
      else states.set(entity, applyChange(states.get(entity) ?? null, change));
    }
    written.set(name, { shard, fingerprint, checkpoint, states });
  }
  return written;
}
