/**
 * What is kept of one shard. Its invariant: all of it reflects one moment, the `lanes`' checkpoints, which the store was
 * at, or came to, no earlier than `confirmedAtMs`. So whatever is taken from it together may be served together.
 *
 *   nothing known ──a read──▶ at a moment ──a notice that continues from it──▶ at the next moment, without what changed
 *         ▲                        │ a read of another moment
 *         │                        ▼
 *         └──a gap, a new   diverged: the notices that lead there are awaited for `graceMs`. They come: at that moment.
 *            subscription   They do not: they were lost, and what is kept is dropped for what the read said.
 *
 * Only a read that was sent and answered confirms anything: a notice may have been on its way for any time. A read that was
 * on its way while notices came is brought up to date with them; what they changed is not kept. Pure: no I/O, no clock.
 */
import { isSamePlace } from '../store/place.ts';
import type { Checkpoint, CommitNotice, ShardId } from '../store/store.ts';
import type { EntryMemory } from './entry-memory.ts';
import { type Home, isLoaded, type LoadedEntry } from './loaded-entry.ts';
import { type Advanced, type Moment, advance, isOtherBuild, isSameMoment, relationOf } from './moment.ts';
import type { KeptStates, SectionStates, ShardStates, Wanted } from './shard-reader.ts';
import type { StateEntry } from './state-entry.ts';

/** Notices heard while one read is on its way; one that hears more is served and not kept. */
export const HEARD_MAX = 64;

/** Why what was kept of a shard was dropped. */
export type ClearReason = 'gap' | 'diverged' | 'subscribed' | 'idle';

/** A read on its way. */
export interface Reading {
  readonly sentAtMs: number;
  readonly generation: number;
  readonly heard: CommitNotice[];
}

interface Lane extends Home {
  checkpoint: Checkpoint | null;
  proof: number;
}

interface Diverged {
  readonly sinceMs: number;
  readonly sentAtMs: number;
  readonly at: Advanced;
  readonly entries: Entries;
}

/** By fingerprint. */
type Entries = ReadonlyMap<string, readonly LoadedEntry[]>;

export interface ShardCacheOptions {
  readonly id: ShardId;
  readonly memory: EntryMemory;
  readonly stalenessMs: number;
  readonly graceMs: number;
  /** Told when something was dropped. */
  readonly onClear: (reason: ClearReason) => void;
}

export interface ShardCache {
  readonly id: ShardId;
  /** When the store was last confirmed to be at this moment or before it; −Infinity: nothing is known. */
  confirmedAtMs(): number;
  /** When somebody asked last. */
  askedAtMs(): number;
  mayServe: Home['shard']['mayServe'];
  fingerprints(): Iterable<string>;
  /** What is kept of it, if it is fresh; null: not even the checkpoints. */
  find(wanted: Wanted, nowMs: number): KeptStates | null;
  begin(nowMs: number): Reading;
  /** Ends it; answers what to serve, with entries that were kept before in place of their like. */
  arrived(reading: Reading, loaded: ShardStates, nowMs: number): ShardStates;
  failed(reading: Reading): void;
  /** Whether what it brings of an entity may still be kept. */
  isCurrent(reading: Reading): boolean;
  hear(notice: CommitNotice): void;
  /** Ends a divergence that lasts too long. */
  settle(nowMs: number): void;
  clear(reason: ClearReason): void;
}

export function createShardCache({ id, memory, stalenessMs, graceMs, onClear }: ShardCacheOptions): ShardCache {
  const lanes = new Map<string, Lane>();
  const readings = new Set<Reading>();
  let confirmedAtMs = Number.NEGATIVE_INFINITY;
  let askedAtMs = Number.NEGATIVE_INFINITY;
  let diverged: Diverged | null = null;
  let generation = 0;
  let proofs = 0;

  function isFresh(nowMs: number): boolean {
    const ageMs = nowMs - confirmedAtMs;
    // A clock that was put back says nothing about age.
    return ageMs >= 0 && ageMs <= stalenessMs;
  }

  /** What is diverged for too long is dropped by whoever looks for it. */
  function mayServe(nowMs: number): boolean {
    askedAtMs = nowMs;
    return isFresh(nowMs) && !isOverdue(nowMs);
  }

  function isOverdue(nowMs: number): boolean {
    return diverged !== null && nowMs - diverged.sinceMs > graceMs;
  }

  function moment(): Moment {
    return new Map([...lanes].map(([fingerprint, { checkpoint }]) => [fingerprint, checkpoint]));
  }

  function clear(reason: ClearReason): void {
    if (lanes.size > 0) onClear(reason);
    for (const { entries } of lanes.values()) for (const entry of entries.values()) memory.forget(entry);
    lanes.clear();
    confirmedAtMs = Number.NEGATIVE_INFINITY;
    diverged = null;
    generation++;
  }

  function find(wanted: Wanted, nowMs: number): KeptStates | null {
    settle(nowMs);
    if (!mayServe(nowMs)) return null;
    const sections = new Map<string, SectionStates>();
    let found = 0;
    let missing = 0;
    let proof: number | null = null;
    for (const [fingerprint, entities] of wanted) {
      const lane = lanes.get(fingerprint);
      if (lane === undefined || lane.proof !== (proof ??= lane.proof)) return null;
      const states = new Map<string, StateEntry>();
      for (const entity of entities) {
        const entry = lane.entries.get(entity);
        if (entry === undefined) {
          missing++;
          continue;
        }
        memory.touch(entry);
        states.set(entity, entry);
        found++;
      }
      sections.set(fingerprint, { checkpoint: lane.checkpoint, states });
    }
    return { sections, found, missing };
  }

  /** Takes what was read at the lanes' moment, or makes its moment theirs where there are none. */
  function take({ moment: at, proven }: Advanced, entries: Entries, sentAtMs: number): void {
    // A new lane must be of one moment with all others, and nothing is confirmed by halves: the read must tell of all.
    const tellsOfAll = [...lanes.keys()].every((fingerprint) => at.has(fingerprint));
    const proof = ++proofs;
    for (const [fingerprint, checkpoint] of at) {
      let lane = lanes.get(fingerprint);
      if (lane === undefined) {
        if (!tellsOfAll) continue;
        lane = { shard: shardCache, fingerprint, checkpoint, proof: ++proofs, entries: new Map() };
        lanes.set(fingerprint, lane);
      }
      if (proven && tellsOfAll) lane.proof = proof;
      if (isNewer(checkpoint, lane.checkpoint)) lane.checkpoint = checkpoint;
      for (const entry of entries.get(fingerprint) ?? []) {
        if (!lane.entries.has(entry.entity)) memory.keep(lane, entry);
      }
    }
    if (tellsOfAll) confirmedAtMs = Math.max(confirmedAtMs, sentAtMs);
  }

  function arrived(reading: Reading, loaded: ShardStates, nowMs: number): ShardStates {
    const isCurrent = shardCache.isCurrent(reading);
    readings.delete(reading);
    if (!isCurrent) return loaded;
    const advanced = advance(momentOf(loaded), reading.heard);
    if (advanced === null) return loaded;
    const entries = unchangedOf(loaded, advanced.changed);
    settle(nowMs);
    if (reading.generation !== generation) return loaded;
    if (!isSameMoment(advanced.moment, moment())) {
      diverge({ sinceMs: nowMs, sentAtMs: reading.sentAtMs, at: advanced, entries });
      return loaded;
    }
    take(advanced, entries, reading.sentAtMs);
    return isSameMoment(momentOf(loaded), advanced.moment) ? withKept(loaded) : loaded;
  }

  /** Entries that were kept already have more hanging on them than those that were just loaded. */
  function withKept(loaded: ShardStates): ShardStates {
    for (const [fingerprint, { states }] of loaded) {
      const kept = lanes.get(fingerprint)?.entries;
      for (const entity of states.keys()) {
        const entry = kept?.get(entity);
        if (entry !== undefined) (states as Map<string, StateEntry>).set(entity, entry);
      }
    }
    return loaded;
  }

  /** The latest read is the nearest to what the store holds; how long the notices have been missing counts from the first. */
  function diverge(next: Diverged): void {
    if (diverged !== null && next.sentAtMs < diverged.sentAtMs) return;
    diverged = { ...next, sinceMs: diverged?.sinceMs ?? next.sinceMs };
  }

  function converge(): void {
    if (diverged === null || !isSameMoment(diverged.at.moment, moment())) return;
    const { at, entries, sentAtMs } = diverged;
    diverged = null;
    take(at, entries, sentAtMs);
  }

  function settle(nowMs: number): void {
    if (diverged === null || !isOverdue(nowMs)) return;
    const { at, entries, sentAtMs } = diverged;
    clear('diverged');
    take(at, entries, sentAtMs);
  }

  function hear(notice: CommitNotice): void {
    for (const { heard } of readings) if (heard.length <= HEARD_MAX) heard.push(notice);
    const known = notice.sections.flatMap((section) => {
      const lane = lanes.get(section.fingerprint);
      return lane === undefined ? [] : [{ section, lane, relation: relationOf(section, lane.checkpoint) }];
    });
    if (known.some(({ relation }) => relation === 'gap')) return clear('gap');
    const proof = ++proofs;
    for (const { section, lane, relation } of known) {
      if (relation === 'old') continue;
      if (!isSamePlace(section.checkpoint, lane.checkpoint)) lane.proof = proof;
      if (isOtherBuild(section, lane.checkpoint)) {
        for (const entry of lane.entries.values()) memory.forget(entry);
      }
      for (const entity of section.entities) {
        const entry = lane.entries.get(entity);
        if (entry !== undefined) memory.forget(entry);
      }
      lane.checkpoint = section.checkpoint;
    }
    converge();
  }

  const shardCache: ShardCache = {
    id,
    confirmedAtMs: () => confirmedAtMs,
    askedAtMs: () => askedAtMs,
    mayServe,
    fingerprints: () => lanes.keys(),
    find,
    begin(nowMs) {
      const reading: Reading = { sentAtMs: nowMs, generation, heard: [] };
      readings.add(reading);
      return reading;
    },
    arrived,
    failed: (reading) => void readings.delete(reading),
    isCurrent: (reading) => reading.generation === generation && reading.heard.length <= HEARD_MAX,
    hear,
    settle,
    clear,
  };
  return shardCache;
}

function momentOf(loaded: ShardStates): Moment {
  return new Map([...loaded].map(([fingerprint, { checkpoint }]) => [fingerprint, checkpoint]));
}

/** What may be kept: no bytes that cannot be read, which somebody may mend. */
function unchangedOf(loaded: ShardStates, changed: Advanced['changed']): Entries {
  const unchanged = new Map<string, readonly LoadedEntry[]>();
  for (const [fingerprint, { states }] of loaded) {
    const some = changed.get(fingerprint);
    if (some === null) continue;
    const kept = [...states.values()].filter(isLoaded);
    unchanged.set(fingerprint, some === undefined ? kept : kept.filter(({ entity }) => !some.has(entity)));
  }
  return unchanged;
}

/** At the same place, the later heartbeat tells more of the owner. */
function isNewer(checkpoint: Checkpoint | null, kept: Checkpoint | null): boolean {
  return checkpoint !== null && (kept === null || checkpoint.heartbeatMs >= kept.heartbeatMs);
}
