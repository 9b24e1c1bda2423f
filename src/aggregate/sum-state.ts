/** The state that `sum` and `mean` share: how many values, and their exact sum. */
import type { Algebra } from './aggregation.ts';
import {
  addEncoded,
  addExact,
  createExpansion,
  decodeExpansion,
  encodeExpansion,
  EXPANSION_BYTES_MAX,
  type Expansion,
  mergeExpansion,
} from './exact-sum.ts';

export interface SumState {
  count: number;
  readonly sum: Expansion;
}

export const SUM_STATE_KEY = 'sum';
export const SUM_STATE_BYTES_MAX = 8 + EXPANSION_BYTES_MAX;

export const SUM_ALGEBRA: Algebra<SumState> = {
  create: () => ({ count: 0, sum: createExpansion() }),
  add(state, value) {
    state.count++;
    addExact(state.sum, value as number);
  },
  merge(into, from) {
    into.count += from.count;
    mergeExpansion(into.sum, from.sum);
  },
  encode(state, writer) {
    writer.varint(state.count);
    encodeExpansion(state.sum, writer);
  },
  decode: (reader) => ({ count: reader.varint(), sum: decodeExpansion(reader) }),
  mergeEncoded(into, reader) {
    into.count += reader.varint();
    addEncoded(into.sum, reader);
  },
};
