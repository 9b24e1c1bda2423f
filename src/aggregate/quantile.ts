/** `quantile`: the value of rank ⌊q·(n − 1)⌋, within 1 % (see ddsketch.ts); null over no values. All `q` share one state. */
import { type Aggregation, type Algebra, OVER_LIMIT } from './aggregation.ts';
import {
  addToBucket,
  bucketKey,
  BUCKETS_BYTES_MAX,
  decodeBuckets,
  encodeBuckets,
  mergeBuckets,
  quantileOf,
  type QuantileSketch,
} from './ddsketch.ts';
import { numberParam } from './params.ts';
import { NULLABLE_DOUBLE, requireNumber } from './type-rules.ts';

const ALGEBRA: Algebra<QuantileSketch> = {
  create: () => ({ buckets: new Map() }),
  add: (state, value) => addToBucket(state, bucketKey(value as number), 1),
  merge: mergeBuckets,
  encode: encodeBuckets,
  decode: decodeBuckets,
};

export const quantile: Aggregation<QuantileSketch> = {
  name: 'quantile',
  of: 'required',
  params: [{ name: 'q', kind: 'number', min: 0, max: 1, defaultValue: null }],
  magnitude: 'any',
  relativeToAsOf: false,
  resultType: (input) => requireNumber('quantile', input) ?? NULLABLE_DOUBLE,
  stateKey: () => 'quantile',
  algebra: () => ALGEBRA,
  evaluate: ({ buckets }, params) => (buckets === null ? OVER_LIMIT : quantileOf(buckets, numberParam(params, 'q'))),
  bytesMax: () => BUCKETS_BYTES_MAX,
};
