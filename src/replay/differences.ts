/**
 * How often and by how much two vectors of the same rows differ, feature by feature: what was true against what was known,
 * which is the cost of late data.
 */
import type { Status } from '../core/status.ts';
import type { Json } from '../vector/render.ts';

export interface FeatureDifferences {
  readonly feature: string;
  rows: number;
  /** Of these the value or the status differs. */
  differing: number;
  /** A value by event time, and none by arrival; and the other way round. */
  missing: number;
  extra: number;
  /** Of numbers that both have, over the differing ones; null: there is none. */
  meanDifference: number | null;
  largestDifference: number | null;
}

export interface Side {
  readonly values: readonly Json[];
  readonly statuses: readonly Status[];
}

export interface Differences {
  add(truth: Side, known: Side): void;
  report(): readonly FeatureDifferences[];
}

interface Tally {
  differing: number;
  missing: number;
  extra: number;
  numbers: number;
  sum: number;
  largest: number;
}

export function createDifferences(features: readonly string[]): Differences {
  const tallies = features.map((): Tally => ({ differing: 0, missing: 0, extra: 0, numbers: 0, sum: 0, largest: 0 }));
  let rows = 0;
  return {
    add(truth, known) {
      rows += 1;
      for (const [index, tally] of tallies.entries()) {
        addTo(
          tally,
          truth.values[index] ?? null,
          known.values[index] ?? null,
          truth.statuses[index] === known.statuses[index],
        );
      }
    },
    report: () =>
      tallies.map(({ differing, missing, extra, numbers, sum, largest }, index) => ({
        feature: features[index] as string,
        rows,
        differing,
        missing,
        extra,
        meanDifference: numbers === 0 ? null : sum / numbers,
        largestDifference: numbers === 0 ? null : largest,
      })),
  };
}

function addTo(tally: Tally, truth: Json, known: Json, sameStatus: boolean): void {
  if (truth === known && sameStatus) return;
  const sameValue = JSON.stringify(truth) === JSON.stringify(known);
  if (sameValue && sameStatus) return;
  tally.differing += 1;
  if (sameValue) return;
  if (known === null) tally.missing += 1;
  else if (truth === null) tally.extra += 1;
  else if (typeof truth === 'number' && typeof known === 'number') {
    const difference = Math.abs(truth - known);
    tally.numbers += 1;
    tally.sum += difference;
    tally.largest = Math.max(tally.largest, difference);
  }
}
