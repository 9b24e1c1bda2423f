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
  async function timed<T>(operation: string, work: () => Promise<T>): Promise<T> {
    const ended = begun(operation);
    const startedMs = performance.now();
    try {
      const result = await work();
      ended(false, performance.now() - startedMs);
      return result;
    } catch (error) {
      ended(true, performance.now() - startedMs);
      throw error;
    }
  }
  function measured<T>(operation: string, shard: ShardId, work: () => Promise<T>): Promise<T> {
    return trace === null ? timed(operation, work) : trace(operation, shard, () => timed(operation, work));
  }
  return {
    ...store,
    read: (shard, sections) => measured('read', shard, () => store.read(shard, sections)),
    commit: (commit: Commit) => measured('commit', commit.shard, () => store.commit(commit)),
  };
}
