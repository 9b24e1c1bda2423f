/**
 * The LRU tier: decoded states, kept between the store and whoever serves them. Per shard, shard-cache.ts says what may be
 * kept and served; what is not kept is loaded by loads.ts; here are the reads. Every half of the staleness bound the checkpoints
 * of all shards that are in use are read: what that does not confirm is not served any longer than the bound says. `close` must
 * be called before the store is closed.
 */
import type { Clock } from '../core/clock.ts';
import type { ReadSection, ShardId, Store, Subscription } from '../store/store.ts';
import { createEntryMemory } from './entry-memory.ts';
import type { Home } from './loaded-entry.ts';
import { loadEntries, sectionsOf } from './load-entry.ts';
import { type Load, type ShardLoads, createLoads, forgetLoads } from './loads.ts';
import type { Reading } from './readings.ts';
import { type ClearReason, type ShardCache, createShardCache } from './shard-cache.ts';
import type { SectionStates, ShardReader, ShardStates, StateDecoder, Together, Wanted } from './shard-reader.ts';

/** Of all that is kept, as far as it can be priced. */
export const CACHE_BYTES_MAX = 268_435_456;
/** A shard that nobody asked for in this time is not followed any longer. Shards are as many as definitions and partitions make. */
const IDLE_MS = 60_000;
/** How long notices may take that a read has overtaken: so much, and never more than this part of the bound. */
const GRACE_MS = 100;
const GRACE_OF_BOUND = 0.25;

export interface TierOptions {
  readonly store: Store;
  readonly decode: StateDecoder;
  readonly clock: Clock;
  /** What is served was what the store held at some moment of so many ms before the request. Greater than 0. */
  readonly stalenessMs: number;
  readonly bytesMax?: number;
}

export interface TierReport {
  /** Entities asked for that were kept, and those that were not. */
  readonly hits: number;
  readonly misses: number;
  readonly entries: number;
  readonly bytes: number;
  readonly evictions: number;
  /** Times that what was kept of a shard was dropped. */
  readonly cleared: Readonly<Record<ClearReason, number>>;
  /** Checkpoint reads that failed. */
  readonly failedChecks: number;
  readonly shards: number;
  /** Since the shard that was confirmed least lately was; null: nothing is kept. */
  readonly confirmedAgeMs: number | null;
  readonly stalenessMs: number;
}

export interface Tier extends ShardReader {
  /** Begins to read checkpoints every half of the bound. */
  start(): void;
  /** One such reading of all; for tests, which have clocks of their own. Never rejects. */
  check(): Promise<void>;
  report(): TierReport;
  close(): Promise<void>;
}

interface Followed extends ShardLoads {
  checking: boolean;
  refreshing: boolean;
}

export function createTier(options: TierOptions): Tier {
  const { store, decode, clock, stalenessMs, bytesMax = CACHE_BYTES_MAX } = options;
  const memory = createEntryMemory(bytesMax);
  const shards = new Map<string, Followed>();
  const cleared: Record<ClearReason, number> = { gap: 0, diverged: 0, subscribed: 0, idle: 0 };
  let [hits, misses, failedChecks] = [0, 0, 0];
  const loadShared = createLoads(read, clock, stalenessMs);
  let timer: NodeJS.Timeout | null = null;
  const subscription: Subscription = store.subscribe({
    onCommit(notice) {
      const followed = shards.get(nameOf(notice.shard));
      if (followed === undefined) return;
      forgetLoads(followed, notice);
      followed.cache.hear(notice, clock.nowMs());
      void refresh(followed);
    },
    onBegin: (shard) => shards.get(nameOf(shard))?.cache.clear('subscribed'),
  });

  function follow(id: ShardId): Followed {
    const name = nameOf(id);
    let followed = shards.get(name);
    if (followed === undefined) {
      const cache = createShardCache({
        id,
        memory,
        stalenessMs,
        graceMs: Math.min(GRACE_MS, stalenessMs * GRACE_OF_BOUND),
        onClear: (reason) => void cleared[reason]++,
      });
      followed = { cache, loading: new Map(), batch: null, checking: false, refreshing: false };
      shards.set(name, followed);
      subscription.follow(id);
    }
    return followed;
  }

  /** One read of the store: what is wanted, what changed and is waited for, and the checkpoints of all that is kept. */
  function read({ cache }: ShardLoads, wanted: Wanted): Load {
    const reading = cache.begin(clock.nowMs());
    const sections = sectionsOf(joined(wanted, cache.changed()), cache.fingerprints(), cache.stateOf);
    return { reading, states: finish(cache, reading, sections) };
  }

  async function finish(cache: ShardCache, reading: Reading, sections: readonly ReadSection[]): Promise<ShardStates> {
    try {
      const loaded = loadEntries(decode, sections, await store.read(cache.id, sections), cache.stateOf);
      return cache.arrived(reading, loaded, clock.nowMs());
    } catch (error) {
      cache.failed(reading);
      throw error;
    }
  }

  /** Loads anew what changed and is asked for again and again, one read at a time, before whoever asks next has to wait for it. */
  async function refresh(followed: Followed): Promise<void> {
    const { cache } = followed;
    if (followed.refreshing || !cache.waitsFor(null)) return;
    followed.refreshing = true;
    try {
      let reading: Reading;
      do {
        const load = read(followed, new Map());
        reading = load.reading;
        await load.states;
      } while (cache.waitsFor(reading));
    } catch {
      cache.goOn();
    } finally {
      followed.refreshing = false;
    }
  }

  async function check(): Promise<void> {
    const nowMs = clock.nowMs();
    const checks: Promise<void>[] = [];
    for (const [name, followed] of shards) {
      if (nowMs - followed.cache.askedAtMs() > IDLE_MS) {
        shards.delete(name);
        subscription.unfollow(followed.cache.id);
        followed.cache.clear('idle');
      } else {
        followed.cache.settle(nowMs);
        checks.push(checkOne(followed));
      }
    }
    await Promise.all(checks);
  }

  async function checkOne(followed: Followed): Promise<void> {
    // One that hangs ends within the store's limit; until then nothing is confirmed.
    if (followed.checking || ![...followed.cache.fingerprints()].length) return;
    followed.checking = true;
    try {
      await read(followed, new Map()).states;
    } catch {
      failedChecks++;
    } finally {
      followed.checking = false;
    }
  }

  function confirmedAgeMs(): number | null {
    const times = [...shards.values()].map(({ cache }) => cache.confirmedAtMs()).filter(Number.isFinite);
    return times.length === 0 ? null : Math.max(0, clock.nowMs() - Math.min(...times));
  }

  return {
    together(homes, found) {
      const states = statesOf(homes, clock.nowMs());
      if (states !== null) hits += found;
      return states;
    },
    kept(shard, wanted) {
      const followed = follow(shard);
      const found = followed.cache.find(wanted, clock.nowMs());
      hits += found?.found ?? 0;
      misses += found?.missing ?? sizeOf(wanted);
      return found;
    },
    async load(shard, wanted, how) {
      const followed = shards.get(nameOf(shard));
      if (followed !== undefined) return how === 'anew' ? read(followed, wanted).states : loadShared(followed, wanted);
      const sections = sectionsOf(wanted);
      return loadEntries(decode, sections, await store.read(shard, sections));
    },
    start() {
      timer ??= setInterval(() => void check(), stalenessMs / 2).unref();
    },
    check,
    report: () => ({
      hits,
      misses,
      ...memory.report(),
      cleared: { ...cleared },
      failedChecks,
      shards: shards.size,
      confirmedAgeMs: confirmedAgeMs(),
      stalenessMs,
    }),
    async close() {
      if (timer !== null) clearInterval(timer);
      timer = null;
      await subscription.close();
      for (const { cache } of shards.values()) cache.clear('idle');
      shards.clear();
    },
  };
}

/** Null: one of them is not fresh, or two of one shard are not of one moment. */
function statesOf(homes: Iterable<Home>, nowMs: number): ReadonlyMap<ShardId, Together> | null {
  const shards = new Map<ShardId, Together & { readonly sections: Map<string, SectionStates> }>();
  for (const { shard, fingerprint, checkpoint, proof, entries } of homes) {
    let together = shards.get(shard.id);
    if (together === undefined) {
      if (!shard.mayServe(nowMs)) return null;
      together = { proof, sections: new Map(), isAway: shard.isAway(nowMs) };
      shards.set(shard.id, together);
    } else if (together.proof !== proof) return null;
    together.sections.set(fingerprint, { checkpoint, states: entries });
  }
  return shards;
}

function joined(wanted: Wanted, more: Wanted): Wanted {
  if (more.size === 0) return wanted;
  const all = new Map(wanted);
  for (const [fingerprint, entities] of more) {
    all.set(fingerprint, new Set([...(wanted.get(fingerprint) ?? []), ...entities]));
  }
  return all;
}

function sizeOf(wanted: Wanted): number {
  let size = 0;
  for (const entities of wanted.values()) size += entities.size;
  return size;
}

function nameOf({ source, entityKey, partition }: ShardId): string {
  return `${source}/${entityKey}/${partition}`;
}
