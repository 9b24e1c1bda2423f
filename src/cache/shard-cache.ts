/**
 * What is kept of one shard. Its invariant: all of it reflects one moment, the `lanes`' checkpoints, which the store was
 * at, or came to, no earlier than `confirmedAtMs`. So whatever is taken from it together may be served together.
 *
 *   nothing known ──a read──▶ at a moment ──a notice that continues from it──▶ at the next moment, without what changed
 *         ▲                        │        (or, where that is asked for again and again: it waits for a read, waiting.ts)
 *         ▲                        │ a read of another moment
 *         │                        ▼
 *         └──a gap, a new   diverged: the notices that lead there are awaited for `graceMs`. They come: at that moment.
 *            subscription   They do not: they were lost, and what is kept is dropped for what the read said.
 *
 * Only a read that was sent and answered confirms anything: a notice may have been on its way for any time. A read that was
 * on its way while notices came is brought up to date with them; what they changed is not kept. Pure: no I/O, no clock.
 */
import type { EntityState } from '../state/entity-state.ts';
import { isSamePlace } from '../store/place.ts';
import type { Checkpoint, CommitNotice, ShardId } from '../store/store.ts';
import type { EntryMemory } from './entry-memory.ts';
import type { Home, Seat } from './loaded-entry.ts';
import { type Advanced, type Moment, advance, isOtherBuild, isSameMoment, relationOf } from './moment.ts';
import { type Entries, isNewer, momentOf, unchangedOf } from './read-moment.ts';
import type { KeptStates, SectionStates, ShardStates, Wanted } from './shard-reader.ts';
import { HEARD_MAX, type Reading, createReadings } from './readings.ts';
import type { StateEntry } from './state-entry.ts';
import { WAITING_MAX, changesOf, createWaitingCommits } from './waiting.ts';

/** Why what was kept of a shard was dropped. */
export type ClearReason = 'gap' | 'diverged' | 'subscribed' | 'idle';

interface Lane extends Home {
  checkpoint: Checkpoint | null;
  proof: number;
}

interface Diverged {
  readonly sinceMs: number;
  readonly reading: Reading;
  readonly at: Advanced;
  readonly entries: Entries;
}

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
  isAway: Home['shard']['isAway'];
  fingerprints(): Iterable<string>;
  /** What is kept of it, if it is fresh; null: not even the checkpoints. */
  find(wanted: Wanted, nowMs: number): KeptStates | null;
  /** As it was when it was loaded, be it out of date; null: it is not kept, or there is none. */
  stateOf(fingerprint: string, entity: string): EntityState | null;
  begin(nowMs: number): Reading;
  /** Ends it; answers what to serve, with entries that were kept before in place of their like. */
  arrived(reading: Reading, loaded: ShardStates, nowMs: number): ShardStates;
  failed(reading: Reading): void;
  /** Whether what it brings of an entity may still be kept. */
  isCurrent(reading: Reading): boolean;
  hear(notice: CommitNotice, nowMs: number): void;
  /** What is to be loaded anew, so that the shard may go on to what it was told of. */
  changed(): Wanted;
  /** Whether something waits that was heard after the reading began; null: whether anything does. */
  waitsFor(reading: Reading | null): boolean;
  /** Nothing waits any longer: what changed is dropped. */
  goOn(): void;
  /** Ends a divergence that lasts too long. */
  settle(nowMs: number): void;
  clear(reason: ClearReason): void;
}

export function createShardCache({ id, memory, stalenessMs, graceMs, onClear }: ShardCacheOptions): ShardCache {
  const lanes = new Map<string, Lane>();
  const readings = createReadings(stalenessMs);
  let confirmedAtMs = Number.NEGATIVE_INFINITY;
  let askedAtMs = Number.NEGATIVE_INFINITY;
  let diverged: Diverged | null = null;
  const waiting = createWaitingCommits(graceMs);
  /** Where entries sat that the commits which were gone on to last have dropped. */
  let vacated: { readonly fingerprint: string; readonly entity: string; readonly seat: Seat }[] = [];
  let heardCount = 0;
  let generation = 0;
  let proofs = 0;

  /** A clock that was put back says nothing about age, nor will it when it is there again. */
  function lookAtClock(nowMs: number): void {
    if (confirmedAtMs > nowMs) confirmedAtMs = Number.NEGATIVE_INFINITY;
  }

  function isFresh(nowMs: number): boolean {
    lookAtClock(nowMs);
    return nowMs - confirmedAtMs <= stalenessMs;
  }

  /** What is diverged for too long is dropped by whoever looks for it. */
  function mayServe(nowMs: number): boolean {
    askedAtMs = nowMs;
    return isFresh(nowMs) && !isOverdue(nowMs);
  }

  function isOverdue(nowMs: number): boolean {
    return (diverged !== null && nowMs - diverged.sinceMs > graceMs) || waiting.isOverdue(nowMs);
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
    waiting.take(waiting.length);
    vacated = [];
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
    return { sections, found, missing, isAway: readings.isAway(nowMs) };
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
    for (const { fingerprint, entity, seat } of vacated) lanes.get(fingerprint)?.entries.get(entity)?.sit(seat);
    vacated = [];
    if (tellsOfAll) confirmedAtMs = Math.max(confirmedAtMs, sentAtMs);
  }

  function arrived(reading: Reading, loaded: ShardStates, nowMs: number): ShardStates {
    // First of all: what is gone on to now is heard by the reading, too.
    settle(nowMs);
    const isCurrent = shardCache.isCurrent(reading);
    readings.answered(reading);
    if (!isCurrent) return loaded;
    const advanced = advance(momentOf(loaded), reading.heard);
    if (advanced === null) return loaded;
    const entries = unchangedOf(loaded, advanced.changed);
    if (!reach(advanced.moment, reading)) {
      diverge({ sinceMs: nowMs, reading, at: advanced, entries });
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
    if (diverged !== null && next.reading.sentAtMs < diverged.reading.sentAtMs) return;
    diverged = { ...next, sinceMs: diverged?.sinceMs ?? next.sinceMs };
  }

  /** Goes on to as many of the commits that wait as lead to this moment; false, and nowhere, where they do not. */
  function reach(target: Moment, { after }: Reading): boolean {
    const steps = waiting.stepsTo(moment(), target, after);
    if (steps === null) return false;
    for (const notice of waiting.take(steps)) apply(notice);
    return true;
  }

  function converge(): void {
    if (diverged === null || !reach(diverged.at.moment, diverged.reading)) return;
    const { at, entries, reading } = diverged;
    diverged = null;
    take(at, entries, reading.sentAtMs);
  }

  function settle(nowMs: number): void {
    lookAtClock(nowMs);
    if (waiting.isOverdue(nowMs)) goOn();
    if (diverged === null || !isOverdue(nowMs)) return;
    const { at, entries, reading } = diverged;
    clear('diverged');
    take(at, entries, reading.sentAtMs);
  }

  function hear(notice: CommitNotice, nowMs: number): void {
    heardCount++;
    const told = waiting.momentFrom(moment());
    const known = notice.sections.filter(({ fingerprint }) => told.has(fingerprint));
    if (known.some((section) => relationOf(section, told.get(section.fingerprint) ?? null) === 'gap')) {
      return clear('gap');
    }
    const isBuild = known.some((section) => isOtherBuild(section, told.get(section.fingerprint) ?? null));
    const canWait = waiting.length < WAITING_MAX && !isBuild;
    if (canWait && (waiting.length > 0 || changesOf([notice], isAskedFor).size > 0)) {
      waiting.add(notice, nowMs, heardCount);
    } else {
      goOn();
      apply(notice);
      vacated = [];
    }
    converge();
  }

  function goOn(): void {
    for (const notice of waiting.take(waiting.length)) apply(notice);
    vacated = [];
  }

  /** Goes on to a commit that continues from where the shard is. */
  function apply(notice: CommitNotice): void {
    readings.hear(notice);
    const proof = ++proofs;
    for (const section of notice.sections) {
      const lane = lanes.get(section.fingerprint);
      if (lane === undefined || relationOf(section, lane.checkpoint) === 'old') continue;
      if (!isSamePlace(section.checkpoint, lane.checkpoint)) lane.proof = proof;
      const isAll = isOtherBuild(section, lane.checkpoint);
      for (const entity of isAll ? [...lane.entries.keys()] : section.entities) drop(lane, entity);
      lane.checkpoint = section.checkpoint;
    }
  }

  function drop({ fingerprint, entries }: Lane, entity: string): void {
    const entry = entries.get(entity);
    if (entry === undefined) return;
    if (entry.seat !== null) vacated.push({ fingerprint, entity, seat: entry.seat });
    memory.forget(entry);
  }

  function isAskedFor(fingerprint: string, entity: string): boolean {
    return lanes.get(fingerprint)?.entries.get(entity)?.isAskedFor === true;
  }

  const shardCache: ShardCache = {
    id,
    confirmedAtMs: () => confirmedAtMs,
    askedAtMs: () => askedAtMs,
    mayServe,
    isAway: readings.isAway,
    fingerprints: () => lanes.keys(),
    find,
    stateOf: (fingerprint, entity) => lanes.get(fingerprint)?.entries.get(entity)?.state ?? null,
    begin: (nowMs) => readings.begin({ sentAtMs: nowMs, generation, after: heardCount }),
    arrived,
    failed: readings.failed,
    isCurrent: (reading) => reading.generation === generation && reading.heard.length <= HEARD_MAX,
    hear,
    changed: () => changesOf(waiting.notices(), isAskedFor),
    waitsFor: (reading) => waiting.length > 0 && (reading === null || heardCount > reading.after),
    goOn,
    settle,
    clear,
  };
  return shardCache;
}
