/**
 * The algebra every aggregation implements (one file each, listed in table.ts). Partial states form a commutative
 * monoid: `add` and `merge` give the same bits in any order and grouping, which is what lets tiles, heads, late
 * events, live and replay agree.
 */
import type { ByteReader, ByteWriter } from '../core/bytes.ts';
import type { AggregationParams, AggregationRules } from '../definition/definition.ts';
import type { Value, ValueType } from '../core/value.ts';

/** Answer of `evaluate` where a declared bound was exceeded: the value is withheld with that status. */
export const OVER_LIMIT: unique symbol = Symbol('OVER_LIMIT');
export type AggregateValue = Value | typeof OVER_LIMIT;

/** `S` is mutable and owned by one tile or accumulator; it is never shared. */
export interface Algebra<S> {
  create(): S;
  /**
   * Counts one event. `value` is never null (nulls are skipped before); it is `true` for an aggregation without `of`.
   * `(tsMs, partition, offset)` is the event's place in the total order.
   */
  add(state: S, value: Value, tsMs: number, partition: number, offset: number): void;
  /** Counts all of `from`, which is unchanged and shares nothing with `into` afterwards. */
  merge(into: S, from: S): void;
  encode(state: S, writer: ByteWriter): void;
  /** Throws `CorruptBytesError` on anything `encode` did not write. */
  decode(reader: ByteReader): S;
  /** The same as merging what `decode` gives, without making it. Absent: it is made. */
  mergeEncoded?(into: S, reader: ByteReader): void;
}

export interface Aggregation<S = unknown> extends AggregationRules {
  /**
   * Names the partial state: two features of one column and filter whose aggregations give the same key (`sum` and
   * `mean`) share one. Contains every parameter that changes the state, and no other.
   */
  stateKey(params: AggregationParams): string;
  /** The algebra for values of `input` (null without `of`). */
  algebra(input: ValueType | null, params: AggregationParams): Algebra<S>;
  /** The value over a window of a known entity; `state` unchanged. */
  evaluate(state: S, params: AggregationParams): AggregateValue;
  /** True where the value is an event time that rendering subtracts from `as_of` (`time_since_last`). */
  readonly relativeToAsOf: boolean;
  /** Worst-case bytes of one encoded state, for `check`'s prices. */
  bytesMax(input: ValueType | null, params: AggregationParams): number;
}
