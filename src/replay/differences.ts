/**
 * How often and by how much two vectors of the same rows differ, feature by feature: what was true against what was known,
 * which is the cost of late data.
 */
import type { Status } from '../core/status.ts';
import type { Json } from '../vector/render.ts';

export interface FeatureDifferences {
  readonly feature: string;
  readonly rows: number;
  /** Of these the value or the status differs. */
  readonly differing: number;
  /** A value by event time, and none by what was known; and the other way round. */
  readonly missing: number;
  readonly extra: number;
  /** Of numbers that both have, over the differing ones; null: there is none. */
  readonly meanDifference: number | null;
  readonly largestDifference: number | null;
}

export interface Side {
  readonly values: readonly Json[];
  readonly statuses: readonly Status[];
}

export interface Differences {
  add(truth: Side, known: Side): void;
  report(): readonly FeatureDifferences[];
}

/** Of one feature. */
export interface DifferenceTally {
  add(truth: Json, known: Json, sameStatus: boolean): void;
  report(): Omit<FeatureDifferences, 'feature' | 'rows'>;
}

export function createDifferences(features: readonly string[]): Differences {
  const tallies = features.map(createDifferenceTally);
  let rows = 0;
  return {
    add(truth, known) {
      rows += 1;
      for (const [index, tally] of tallies.entries()) {
        const sameStatus = truth.statuses[index] === known.statuses[index];
        tally.add(truth.values[index] ?? null, known.values[index] ?? null, sameStatus);
      }
    },
    report: () => tallies.map((tally, index) => ({ feature: features[index] as string, rows, ...tally.report() })),
  };
}

export function createDifferenceTally(): DifferenceTally {
  let [differing, missing, extra, numbers, sum, largest] = [0, 0, 0, 0, 0, 0];
  return {
    add(truth, known, sameStatus) {
      if (truth === known && sameStatus) return;
      const sameValue = JSON.stringify(truth) === JSON.stringify(known);
      if (sameValue && sameStatus) return;
      differing += 1;
      if (sameValue) return;
      if (known === null) missing += 1;
      else if (truth === null) extra += 1;
      else if (typeof truth === 'number' && typeof known === 'number') {
        const difference = Math.abs(truth - known);
        numbers += 1;
        sum += difference;
        largest = Math.max(largest, difference);
      }
    },
    report: () => ({
      differing,
      missing,
      extra,
      meanDifference: numbers === 0 ? null : sum / numbers,
      largestDifference: numbers === 0 ? null : largest,
    }),
  };
}
