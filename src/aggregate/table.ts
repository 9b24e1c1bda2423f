/** Every aggregation there is. Adding one touches its own file and this table. */
import type { Aggregation } from './aggregation.ts';
import { count } from './count.ts';
import { countDistinct } from './count-distinct.ts';
import { first } from './first.ts';
import { histogram } from './histogram.ts';
import { last } from './last.ts';
import { lastN } from './last-n.ts';
import { max } from './max.ts';
import { mean } from './mean.ts';
import { min } from './min.ts';
import { quantile } from './quantile.ts';
import { stddev } from './stddev.ts';
import { sum } from './sum.ts';
import { timeSinceLast } from './time-since-last.ts';
import { topK } from './top-k.ts';
import { variance } from './variance.ts';

const ALL: readonly Aggregation[] = [
  count,
  sum,
  mean,
  min,
  max,
  variance,
  stddev,
  first,
  last,
  lastN,
  timeSinceLast,
  countDistinct,
  topK,
  histogram,
  quantile,
];

export const AGGREGATIONS: ReadonlyMap<string, Aggregation> = new Map(
  ALL.map((aggregation) => [aggregation.name, aggregation]),
);
