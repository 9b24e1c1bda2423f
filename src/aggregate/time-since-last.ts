/**
 * `time_since_last`: milliseconds from the newest event (with `of`: the newest where it is not null) to `as_of`; null
 * without one. State and value are the event's time; rendering subtracts it from `as_of`.
 */
import type { Aggregation, Algebra } from './aggregation.ts';
import { NULLABLE_INT } from './type-rules.ts';
import { readFlag, readInteger, writeInteger } from './value-codec.ts';

interface LatestState {
  /** −Infinity before the first event. */
  tsMs: number;
}

const ALGEBRA: Algebra<LatestState> = {
  create: () => ({ tsMs: -Infinity }),
  add(state, _value, tsMs) {
    if (tsMs > state.tsMs) state.tsMs = tsMs;
  },
  merge(into, from) {
    if (from.tsMs > into.tsMs) into.tsMs = from.tsMs;
  },
  encode(state, writer) {
    const known = state.tsMs !== -Infinity;
    writer.u8(known ? 1 : 0);
    if (known) writeInteger(writer, state.tsMs);
  },
  decode: (reader) => ({ tsMs: readFlag(reader) ? readInteger(reader) : -Infinity }),
};

export const timeSinceLast: Aggregation<LatestState> = {
  name: 'time_since_last',
  of: 'optional',
  params: [],
  magnitude: 'any',
  relativeToAsOf: true,
  resultType: () => NULLABLE_INT,
  stateKey: () => 'time_since_last',
  algebra: () => ALGEBRA,
  evaluate: (state) => (state.tsMs === -Infinity ? null : state.tsMs),
  bytesMax: () => 10,
};
