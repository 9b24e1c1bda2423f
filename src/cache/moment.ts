/**
 * Moments of a shard: where each fingerprint's checkpoint is. What a state is is a function of its fingerprint and its
 * place (position and build), so entries may be put together as soon as their places are known to have been there at one time.
 */
import { isSamePlace } from '../store/place.ts';
import type { Checkpoint, CommitNotice, NoticeSection, Place } from '../store/store.ts';

/** By fingerprint; null: nothing was ever committed for it. */
export type Moment = ReadonlyMap<string, Checkpoint | null>;

/** Whether both are at the same places, as far as both know. */
export function isSameMoment(one: Moment, other: Moment): boolean {
  for (const [fingerprint, checkpoint] of one) {
    const there = other.get(fingerprint);
    if (there !== undefined && !isSamePlace(checkpoint, there)) return false;
  }
  return true;
}

/**
 * What a section of a notice is to one who is at `known`: `next` continues from there; `old` leads to a place that was
 * passed, as one does that was on its way while a later moment was read; `gap`: something in between was not told.
 */
export type Relation = 'next' | 'old' | 'gap';

export function relationOf(section: NoticeSection, known: Place | null): Relation {
  if (isSamePlace(section.expected, known)) return 'next';
  return known !== null && isPassed(section.checkpoint, known) ? 'old' : 'gap';
}

function isPassed(place: Place, known: Place): boolean {
  if (place.buildStartedMs !== known.buildStartedMs) return false;
  for (const [partition, next] of Object.entries(place.position)) {
    if (next > (known.position[Number(partition)] ?? 0)) return false;
  }
  return true;
}

/** Where one is who was at `moment` and heard `notices` since, and what they changed. */
export interface Advanced {
  readonly moment: Moment;
  /**
   * Whether the store was at all of these places at one time. A commit for some fingerprints only, of a deployment apart, does
   * not tell where the others were: one for those may have been lost.
   */
  readonly proven: boolean;
  /** By fingerprint; null: everything, for another build has begun. */
  readonly changed: ReadonlyMap<string, ReadonlySet<string> | null>;
}

/** Null: not all was heard. */
export function advance(moment: Moment, notices: readonly CommitNotice[]): Advanced | null {
  const now = new Map(moment);
  const changed = new Map<string, Set<string> | null>();
  let proven = true;
  for (const { sections } of notices) {
    let moved = 0;
    for (const section of sections) {
      const known = now.get(section.fingerprint);
      if (known === undefined) continue;
      const relation = relationOf(section, known);
      if (relation === 'gap') return null;
      if (relation === 'old') continue;
      if (!isSamePlace(section.checkpoint, known)) moved++;
      now.set(section.fingerprint, section.checkpoint);
      addChanged(changed, section, known);
    }
    if (moved > 0 && moved < now.size) proven = false;
  }
  return { moment: now, changed, proven };
}

function addChanged(changed: Map<string, Set<string> | null>, section: NoticeSection, known: Place | null): void {
  const { fingerprint, entities } = section;
  const before = changed.get(fingerprint);
  if (before === null) return;
  if (isOtherBuild(section, known)) return void changed.set(fingerprint, null);
  const all = before ?? new Set<string>();
  for (const entity of entities) all.add(entity);
  changed.set(fingerprint, all);
}

/** Another build begins with nothing: what is kept of the former one is not part of it. */
export function isOtherBuild({ checkpoint }: NoticeSection, known: Place | null): boolean {
  return known?.buildStartedMs !== checkpoint.buildStartedMs;
}
