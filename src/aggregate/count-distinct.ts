/** `count_distinct`: how many different values, estimated (see hyperloglog.ts), as an int; null over none. */
import { assert } from '../core/assert.ts';
import type { ScalarKind, ValueType } from '../core/value.ts';
import type { Aggregation, Algebra } from './aggregation.ts';
import { compileHash, type HashWords } from './hash.ts';
import {
  addHash,
  createSketch,
  decodeSketch,
  type DistinctSketch,
  encodeSketch,
  estimateDistinct,
  mergeEncodedSketch,
  mergeSketch,
  SKETCH_BYTES_MAX,
} from './hyperloglog.ts';
import { NULLABLE_INT, requireKind } from './type-rules.ts';

const KINDS: readonly ScalarKind[] = ['string', 'int', 'int64', 'double', 'timestamp', 'bool'];

/** The hash of the value at hand, between two calls that never interleave. */
const WORDS: HashWords = { first: 0, second: 0 };

export const countDistinct: Aggregation<DistinctSketch> = {
  name: 'count_distinct',
  of: 'required',
  params: [],
  magnitude: 'any',
  relativeToAsOf: false,
  resultType: (input) =>
    requireKind('count_distinct', input, KINDS, () => 'concat its parts to one string') ?? NULLABLE_INT,
  stateKey: () => 'count_distinct',
  algebra: (input) => distinctAlgebra(input),
  evaluate: (state) => (state.dense === null && state.sparse.length === 0 ? null : Math.round(estimateDistinct(state))),
  bytesMax: () => SKETCH_BYTES_MAX,
};

function distinctAlgebra(input: ValueType | null): Algebra<DistinctSketch> {
  assert(input !== null && input.kind !== 'array' && input.kind !== 'struct', 'count_distinct has a scalar input');
  const hash = compileHash(input.kind);
  return {
    create: createSketch,
    add(state, value) {
      hash(value, WORDS);
      addHash(state, WORDS.first, WORDS.second);
    },
    merge: mergeSketch,
    encode: encodeSketch,
    decode: decodeSketch,
    mergeEncoded: mergeEncodedSketch,
  };
}
