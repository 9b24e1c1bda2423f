/** Every aggregation over a list of values, from its definition in DESIGN sections 3 and 4. Approximate ones give the truth. */
import { compareCells } from './expression.ts';
import type { Cell, ModelFeature, OracleValue } from './model.ts';
import { mean, stddev, sum, variance } from './rational.ts';

/** One event that the feature counts: its value is not null. */
export interface Counted {
  readonly tsMs: number;
  readonly value: OracleValue;
}

export type Aggregated =
  | { readonly kind: 'value'; readonly value: OracleValue }
  /** What a sketch estimates: to be compared within its stated error. */
  | { readonly kind: 'estimate'; readonly of: 'count_distinct' | 'quantile'; readonly truth: number }
  | { readonly kind: 'over_limit' };

const KEYS_MAX = 1_000;

/** `counted` is in the total order of events. */
export function aggregate(feature: ModelFeature, counted: readonly Counted[]): Aggregated {
  if (feature.agg === 'count_distinct' || feature.agg === 'quantile') return estimate(feature, counted);
  if (feature.agg === 'top_k') return topK(feature, counted);
  return { kind: 'value', value: exactly(feature, counted) };
}

function exactly(feature: ModelFeature, counted: readonly Counted[]): OracleValue {
  const values = counted.map((event) => event.value);
  const numbers = values as readonly number[];
  switch (feature.agg) {
    case 'count':
      return values.length;
    case 'sum':
      return sum(numbers);
    case 'mean':
      return mean(numbers);
    case 'variance':
      return variance(numbers);
    case 'stddev':
      return stddev(numbers);
    case 'min':
      return sorted(values as Cell[])[0] ?? null;
    case 'max':
      return sorted(values as Cell[]).at(-1) ?? null;
    case 'first':
      return values[0] ?? null;
    case 'last':
      return values.at(-1) ?? null;
    case 'last_n':
      return values.toReversed().slice(0, feature.n);
    case 'time_since_last':
      return counted.at(-1)?.tsMs ?? null;
    case 'histogram':
      return histogram(feature.edges as readonly number[], numbers);
    default:
      throw new RangeError(`oracle: no aggregation ${feature.agg}`);
  }
}

function sorted(values: readonly Cell[]): Cell[] {
  return values.toSorted(compareCells);
}

function histogram(edges: readonly number[], values: readonly number[]): number[] {
  const bounds = [Number.NEGATIVE_INFINITY, ...edges, Number.POSITIVE_INFINITY];
  return [...edges, 0].map((_, i) => {
    return values.filter((x) => x >= (bounds[i] as number) && x < (bounds[i + 1] as number)).length;
  });
}

function topK(feature: ModelFeature, counted: readonly Counted[]): Aggregated {
  const counts = new Map<Cell, number>();
  for (const { value } of counted) counts.set(value as Cell, (counts.get(value as Cell) ?? 0) + 1);
  if (counts.size > (feature.keys_max ?? KEYS_MAX)) return { kind: 'over_limit' };
  const ranked = [...counts].toSorted(([a, n], [b, m]) => m - n || compareCells(a, b));
  return { kind: 'value', value: ranked.slice(0, feature.k).map(([key]) => key) };
}

function estimate(feature: ModelFeature, counted: readonly Counted[]): Aggregated {
  if (counted.length === 0) return { kind: 'value', value: null };
  const values = counted.map((event) => event.value as Cell);
  if (feature.agg === 'count_distinct') {
    return { kind: 'estimate', of: 'count_distinct', truth: new Set(values).size };
  }
  const rank = Math.floor((feature.q as number) * (values.length - 1));
  return { kind: 'estimate', of: 'quantile', truth: Number(sorted(values)[rank]) };
}
