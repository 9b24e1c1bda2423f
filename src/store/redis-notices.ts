/** What subscribers hear of a commit, as text: JSON, entities by name, so that a reader drops those it holds and no other. */
import { noticeOf } from './notices.ts';
import type { Checkpoint, Commit, CommitNotice, NoticeSection, Place, Position } from './store.ts';

export function formatNotice(commit: Commit): string {
  return JSON.stringify(noticeOf(commit));
}

/** Null for what no commit of ours has sent: anybody may publish, and what is taken here is kept and served. */
export function parseNotice(text: string): Pick<CommitNotice, 'sections'> | null {
  let notice: unknown;
  try {
    notice = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isObject(notice) || !Array.isArray(notice['sections'])) return null;
  const sections = notice['sections'] as readonly unknown[];
  return sections.every(isSection) ? { sections } : null;
}

type Shape = Readonly<Record<string, unknown>>;

/** Of a checkpoint, what readers go by; `erasing` is for writers alone. */
const NUMBERS = ['partitions', 'buildStartedMs', 'epoch', 'heartbeatMs'] as const satisfies (keyof Checkpoint)[];
const NUMBERS_OR_NULL = [
  'transitPosition',
  'caughtUpAtMs',
  'completeFromMs',
  'watermarkMs',
  'receivedAtMs',
] as const satisfies (keyof Checkpoint)[];

function isSection(section: unknown): section is NoticeSection {
  if (!isObject(section)) return false;
  const { fingerprint, expected, checkpoint, entities } = section as Partial<Record<keyof NoticeSection, unknown>>;
  return (
    typeof fingerprint === 'string' &&
    (expected === null || isPlace(expected)) &&
    isCheckpoint(checkpoint) &&
    Array.isArray(entities) &&
    entities.every((entity) => typeof entity === 'string')
  );
}

function isCheckpoint(checkpoint: unknown): checkpoint is Checkpoint {
  return (
    isObject(checkpoint) &&
    isPosition(checkpoint['position']) &&
    isPosition(checkpoint['buildTarget']) &&
    NUMBERS.every((name) => typeof checkpoint[name] === 'number') &&
    NUMBERS_OR_NULL.every((name) => checkpoint[name] === null || typeof checkpoint[name] === 'number')
  );
}

function isPlace(place: unknown): place is Place {
  return isObject(place) && isPosition(place['position']) && typeof place['buildStartedMs'] === 'number';
}

function isPosition(position: unknown): position is Position {
  return isObject(position) && Object.values(position).every((next) => typeof next === 'number');
}

function isObject(value: unknown): value is Shape {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
