/** `histogram`: how many values lie in (−∞, e0), [e0, e1), …, [em, ∞), for the declared edges; zeros over none. */
import type { AggregationParams } from '../definition/definition.ts';
import type { Value } from '../core/value.ts';
import type { Aggregation, Algebra } from './aggregation.ts';
import { numbersParam } from './params.ts';
import { arrayOf, requireNumber, type TypeProblem } from './type-rules.ts';

interface HistogramState {
  /** One more than there are edges. */
  readonly counts: number[];
}

export const EDGES_MAX = 256;

export const histogram: Aggregation<HistogramState> = {
  name: 'histogram',
  of: 'required',
  params: [
    {
      name: 'edges',
      kind: 'increasing numbers',
      min: -Number.MAX_VALUE,
      max: Number.MAX_VALUE,
      defaultValue: null,
    },
  ],
  magnitude: 'any',
  relativeToAsOf: false,
  resultType: (input, params) => requireNumber('histogram', input) ?? requireEdges(params) ?? arrayOf({ kind: 'int' }),
  stateKey: (params) => `histogram:${numbersParam(params, 'edges').map(plusZero).join(',')}`,
  algebra: (_input, params) => histogramAlgebra(numbersParam(params, 'edges')),
  evaluate: ({ counts }): readonly Value[] => Object.freeze(counts.slice()),
  bytesMax: (_input, params) => 8 * (numbersParam(params, 'edges').length + 1),
};

function requireEdges(params: AggregationParams): TypeProblem | null {
  const edges = numbersParam(params, 'edges');
  if (edges.length >= 1 && edges.length <= EDGES_MAX) return null;
  return { problem: `histogram takes 1 to ${EDGES_MAX} edges, not ${edges.length}` };
}

function histogramAlgebra(edges: readonly number[]): Algebra<HistogramState> {
  const buckets = edges.length + 1;
  return {
    create: () => ({ counts: Array.from({ length: buckets }, () => 0) }),
    add({ counts }, value) {
      const bucket = bucketOf(edges, value as number);
      counts[bucket] = (counts[bucket] as number) + 1;
    },
    merge(into, from) {
      for (let bucket = 0; bucket < buckets; bucket++) {
        into.counts[bucket] = (into.counts[bucket] as number) + (from.counts[bucket] as number);
      }
    },
    encode({ counts }, writer) {
      for (const count of counts) writer.varint(count);
    },
    decode(reader) {
      const counts: number[] = [];
      for (let bucket = 0; bucket < buckets; bucket++) counts.push(reader.varint());
      return { counts };
    },
  };
}

/** How many edges are not greater than `x`, by bisection. */
function bucketOf(edges: readonly number[], x: number): number {
  let from = 0;
  let until = edges.length;
  while (from < until) {
    const middle = (from + until) >>> 1;
    if ((edges[middle] as number) <= x) from = middle + 1;
    else until = middle;
  }
  return from;
}

function plusZero(x: number): number {
  return x === 0 ? 0 : x;
}
