/** What event times are allowed: those the engine can hold, and not too far ahead of the record's append time. */
import type { SourceDefinition } from '../definition/definition.ts';
import type { Rejection } from './event.ts';
import { reject } from './rejection.ts';

/** Exclusive, of |ts|: event times are kept as zigzag integers of at most 53 bits. */
const EVENT_TIME_MS_LIMIT = 2 ** 52;

export function checkEventTimeRange({ eventTime }: SourceDefinition, tsMs: number): Rejection | null {
  if (Math.abs(tsMs) < EVENT_TIME_MS_LIMIT) return null;
  return reject('out_of_range', eventTime, `${eventTime}: beyond the range of event times`);
}

/** `appendedMs` is when the record was (or would be) appended to the log. */
export function checkNotAhead(source: SourceDefinition, tsMs: number, appendedMs: number): Rejection | null {
  const { eventTime, maxAheadMs } = source;
  if (tsMs <= appendedMs + maxAheadMs) return null;
  const message = `${eventTime}: ${tsMs - appendedMs} ms ahead of the append time, at most ${maxAheadMs} are allowed`;
  return reject('too_far_ahead', eventTime, message);
}

/**
 * Since when history is known where records before the first one still held are gone, ms; null: the source says that nothing
 * is missing. A lost record was appended before that one, and its event time is at most `max_ahead` beyond its append time.
 */
export function completeFrom(source: SourceDefinition, firstHeldMs: number): number | null {
  return source.historyComplete ? null : firstHeldMs + source.maxAheadMs + 1;
}
