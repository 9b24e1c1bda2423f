/** Status of every served value (DESIGN section 3), in the order of its table: later is worse. */

export const STATUSES = [
  'PRESENT',
  'NULL_VALUE',
  'NOT_FOUND',
  'OUTSIDE_MAX_AGE',
  'STALE',
  'INCOMPLETE',
  'REBUILDING',
  'OUT_OF_HISTORY',
  'OVER_LIMIT',
  'TIMED_OUT',
  'UNAVAILABLE',
  'ERROR',
] as const;

export type Status = (typeof STATUSES)[number];

const RANK: ReadonlyMap<Status, number> = new Map(STATUSES.map((status, index) => [status, index]));

/** Position in the table: 0 is `PRESENT`, which most are. */
export function statusRank(status: Status): number {
  return status === 'PRESENT' ? 0 : (RANK.get(status) as number);
}

/** Rank of the worst that is ordinary. */
export const LAST_ORDINARY = statusRank('NOT_FOUND');

/** `PRESENT`, `NULL_VALUE`, `NOT_FOUND`: all others always appear in a row's `issues`. */
export function isOrdinary(status: Status): boolean {
  return status === 'PRESENT' || status === 'NULL_VALUE' || status === 'NOT_FOUND';
}
