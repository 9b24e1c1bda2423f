/** A store that tells how long it takes, and of each operation as a step of what it is part of. */
import { performance } from 'node:perf_hooks';
import type { Commit, ShardId, Store } from './store.ts';

/** What somebody makes of it. */
export interface StoreMeter {
  /** Called when an operation begins; what it answers is called when that has ended. */
  readonly begun: (operation: string) => (failed: boolean, durationMs: number) => void;
  /** Runs the work as a span of its own; null: nobody traces. */
  readonly trace: (<T>(operation: string, shard: ShardId, work: () => Promise<T>) => Promise<T>) | null;
}

export function measureStore(store: Store, { begun, trace }: StoreMeter): Store {
  const read: Store['read'] = (shard, sections) => {
    const end = startOf(begun, 'read');
    return watched(store.read(shard, sections), end);
  };
  const commit: Store['commit'] = (work) => {
    const end = startOf(begun, 'commit');
    return watched(store.commit(work), end);
  };
  if (trace === null) return { ...store, read, commit };
  return {
    ...store,
    read: (shard, sections) => trace('read', shard, () => read(shard, sections)),
    commit: (work: Commit) => trace('commit', work.shard, () => commit(work)),
  };
}

function startOf(begun: StoreMeter['begun'], operation: string): (failed: boolean) => void {
  const ended = begun(operation);
  const startedMs = performance.now();
  return (failed) => ended(failed, performance.now() - startedMs);
}

/** The same promise: whoever waits for it waits no turn longer. */
function watched<T>(work: Promise<T>, end: (failed: boolean) => void): Promise<T> {
  work.then(
    () => end(false),
    () => end(true),
  );
  return work;
}
