/**
 * Commits that a shard was told of and has not gone on to yet: something they changed is asked for again and again, and is loaded
 * anew before what was kept of it goes. Until then what is served is of the moment before them, within the bound as ever.
 */
import type { CommitNotice } from '../store/store.ts';
import type { Wanted } from './shard-reader.ts';
import { type Moment, isSameMoment, relationOf } from './moment.ts';

/** Commits that wait at a time; where one more comes, none waits any longer. */
export const WAITING_MAX = 16;

/** Entities that one read loads anew beside what it is for; more of them are dropped, and loaded when asked for. */
export const REFRESHED_MAX = 256;

interface Waiting {
  readonly notice: CommitNotice;
  readonly heardAtMs: number;
  /** How many had been heard with it. */
  readonly number: number;
}

export interface WaitingCommits {
  readonly length: number;
  notices(): readonly CommitNotice[];
  add(notice: CommitNotice, nowMs: number, number: number): void;
  /** Where one is who was at `from` and goes on to all of them. */
  momentFrom(from: Moment): Moment;
  /**
   * How many of them lead from `from` to `target`; null: that is not on the way. Those that were heard by number `known` are among
   * them: a read that was sent after they were told, and is before them, says that the store fell back.
   */
  stepsTo(from: Moment, target: Moment, known: number): number | null;
  /** Takes out the first `count`. */
  take(count: number): readonly CommitNotice[];
  isOverdue(nowMs: number): boolean;
}

/** `limitMs`: how long the first one may wait. */
export function createWaitingCommits(limitMs: number): WaitingCommits {
  const waiting: Waiting[] = [];
  return {
    get length() {
      return waiting.length;
    },
    notices: () => waiting.map(({ notice }) => notice),
    add: (notice, heardAtMs, number) => void waiting.push({ notice, heardAtMs, number }),
    momentFrom: (from) => waiting.reduce(next, from),
    stepsTo(from, target, known) {
      let moment = from;
      for (let steps = 0; ; steps++) {
        const step = waiting[steps];
        const mayEnd = step === undefined || step.number > known;
        if (mayEnd && isSameMoment(target, moment)) return steps;
        if (step === undefined) return null;
        moment = next(moment, step);
      }
    },
    take: (count) => waiting.splice(0, count).map(({ notice }) => notice),
    isOverdue: (nowMs) => waiting[0] !== undefined && nowMs - waiting[0].heardAtMs > limitMs,
  };
}

/** What is added continues from what waits already. */
function next(moment: Moment, { notice }: Waiting): Moment {
  const moved = new Map(moment);
  for (const section of notice.sections) {
    const known = moment.get(section.fingerprint);
    if (known !== undefined && relationOf(section, known) !== 'old') moved.set(section.fingerprint, section.checkpoint);
  }
  return moved;
}

/** What these commits changed of what is asked for again and again. */
export function changesOf(
  notices: readonly CommitNotice[],
  isAskedFor: (fingerprint: string, entity: string) => boolean,
): Wanted {
  const changed = new Map<string, Set<string>>();
  let left = REFRESHED_MAX;
  for (const { fingerprint, entities } of notices.flatMap(({ sections }) => sections)) {
    const some = changed.get(fingerprint) ?? new Set<string>();
    for (const entity of entities) {
      if (left === 0 || some.has(entity) || !isAskedFor(fingerprint, entity)) continue;
      some.add(entity);
      left--;
    }
    if (some.size > 0) changed.set(fingerprint, some);
  }
  return changed;
}
