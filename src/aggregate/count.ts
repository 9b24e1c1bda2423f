/** `count`: events, or with `of` the events where it is not null. */
import type { Aggregation, Algebra } from './aggregation.ts';
import { INT } from './type-rules.ts';

interface CountState {
  count: number;
}

const ALGEBRA: Algebra<CountState> = {
  create: () => ({ count: 0 }),
  add(state) {
    state.count++;
  },
  merge(into, from) {
    into.count += from.count;
  },
  encode: (state, writer) => writer.varint(state.count),
  decode: (reader) => ({ count: reader.varint() }),
  mergeEncoded(into, reader) {
    into.count += reader.varint();
  },
};

export const count: Aggregation<CountState> = {
  name: 'count',
  of: 'optional',
  params: [],
  magnitude: 'any',
  relativeToAsOf: false,
  resultType: () => INT,
  stateKey: () => 'count',
  algebra: () => ALGEBRA,
  evaluate: (state) => state.count,
  bytesMax: () => 8,
};
