/**
 * Loads of what is not kept: once, however many requests wait for it, and what is asked for in one turn of the event loop
 * in one read of each shard.
 */
import type { Clock } from '../core/clock.ts';
import type { CommitNotice } from '../store/store.ts';
import type { Reading } from './readings.ts';
import type { ShardCache } from './shard-cache.ts';
import type { ShardStates, Wanted } from './shard-reader.ts';

export interface Load {
  readonly reading: Reading;
  readonly states: Promise<ShardStates>;
}

/** What is to be loaded at the end of this turn. */
interface Batch {
  readonly wanted: Map<string, Set<string>>;
  readonly load: PromiseWithResolvers<ShardStates>;
}

/** One shard, and what is being loaded of it. */
export interface ShardLoads {
  readonly cache: ShardCache;
  /** Loads on their way: fingerprint → entity. */
  readonly loading: Map<string, Map<string, Load>>;
  batch: Batch | null;
}

/** What is on its way may be older than the notice: whoever asks from here on has it loaded again. */
export function forgetLoads({ loading }: ShardLoads, { sections }: CommitNotice): void {
  for (const { fingerprint, entities } of sections) {
    const ofView = loading.get(fingerprint);
    if (ofView !== undefined) for (const entity of entities) ofView.delete(entity);
  }
}

/**
 * `read`: reads the store now. `stalenessMs`: a load that was sent longer ago is joined no more.
 * What is answered brings all that is wanted, as of one moment.
 */
export function createLoads(
  read: (shard: ShardLoads, wanted: Wanted) => Load,
  clock: Clock,
  stalenessMs: number,
): (shard: ShardLoads, wanted: Wanted) => Promise<ShardStates> {
  let due: ShardLoads[] = [];

  function send(): void {
    const all = due;
    due = [];
    for (const shard of all) {
      const { batch } = shard;
      if (batch === null) continue;
      shard.batch = null;
      const load = read(shard, batch.wanted);
      for (const [fingerprint, entities] of batch.wanted) {
        const loading = shard.loading.get(fingerprint) ?? new Map<string, Load>();
        shard.loading.set(fingerprint, loading);
        for (const entity of entities) loading.set(entity, load);
      }
      load.states.then(batch.load.resolve, batch.load.reject).finally(() => {
        for (const [fingerprint, entities] of batch.wanted) {
          const loading = shard.loading.get(fingerprint);
          for (const entity of entities) if (loading?.get(entity) === load) loading.delete(entity);
        }
      });
    }
  }

  /** Adds to what is loaded at the end of this turn; `entity` null: the checkpoint alone. */
  function batched(shard: ShardLoads, fingerprint: string, entity: string | null): Promise<ShardStates> {
    if (shard.batch === null) {
      shard.batch = { wanted: new Map(), load: Promise.withResolvers() };
      if (due.length === 0) setImmediate(send);
      due.push(shard);
    }
    const { wanted, load } = shard.batch;
    const entities = wanted.get(fingerprint) ?? new Set<string>();
    wanted.set(fingerprint, entities);
    if (entity !== null) entities.add(entity);
    return load.promise;
  }

  /** The loads that bring what is wanted and not kept: those on their way, as far as they are fresh, and this turn's. */
  function loadsOf(shard: ShardLoads, wanted: Wanted): ReadonlySet<Promise<ShardStates>> {
    const loads = new Set<Promise<ShardStates>>();
    const nowMs = clock.nowMs();
    const kept = shard.cache.find(wanted, nowMs);
    for (const [fingerprint, entities] of wanted) {
      if (kept === null && entities.size === 0) loads.add(batched(shard, fingerprint, null));
      for (const entity of entities) {
        if (kept?.sections.get(fingerprint)?.states.has(entity) === true) continue;
        const load = shard.loading.get(fingerprint)?.get(entity);
        const isJoined = load !== undefined && isJoinable(shard, load, nowMs);
        loads.add(isJoined ? load.states : batched(shard, fingerprint, entity));
      }
    }
    return loads;
  }

  function isJoinable({ cache }: ShardLoads, { reading }: Load, nowMs: number): boolean {
    const ageMs = nowMs - reading.sentAtMs;
    return ageMs >= 0 && ageMs <= stalenessMs && cache.isCurrent(reading);
  }

  return async (shard, wanted) => {
    const loaded = await Promise.all(loadsOf(shard, wanted));
    const [only] = loaded;
    if (loaded.length === 1 && only !== undefined && hasAll(only, wanted)) return only;
    // Of several moments: together they are as good as what is kept says, which is of one.
    const kept = shard.cache.find(wanted, clock.nowMs());
    if (kept?.missing === 0) return kept.sections;
    return read(shard, wanted).states;
  };
}

function hasAll(states: ShardStates, wanted: Wanted): boolean {
  for (const [fingerprint, entities] of wanted) {
    const section = states.get(fingerprint);
    if (section === undefined) return false;
    for (const entity of entities) if (!section.states.has(entity)) return false;
  }
  return true;
}
