/** A plain model: ordinary least squares over standardized features, an unknown value being the mean of the known ones. */
import MultivariateLinearRegression from 'ml-regression-multivariate-linear';

export type Row = readonly (number | null)[];

export interface Model {
  /** The same bits for the same row. */
  predict(row: Row): number;
}

interface Scale {
  readonly mean: number;
  readonly deviation: number;
}

export function fitModel(rows: readonly Row[], targets: readonly number[]): Model {
  const scales = (rows[0] ?? []).map((_value, column) => scaleOf(rows.map((row) => row[column] ?? null)));
  const standardize = (row: Row): number[] =>
    scales.map(({ mean, deviation }, column) => ((row[column] ?? mean) - mean) / deviation);
  const regression = new MultivariateLinearRegression(
    rows.map(standardize),
    targets.map((target) => [target]),
    { statistics: false },
  );
  return { predict: (row) => regression.predict(standardize(row))[0] as number };
}

/** A column that says nothing is left as it is. */
function scaleOf(column: readonly (number | null)[]): Scale {
  const known = column.filter((value) => value !== null);
  if (known.length === 0) return { mean: 0, deviation: 1 };
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
  const variance = known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / known.length;
  return { mean, deviation: Math.sqrt(variance) || 1 };
}

/** How often a late flight has a higher score than one that is not, ties counting half: 0.5 is chance, 1 perfect. */
export function areaUnderCurve(scores: readonly number[], isPositive: readonly boolean[]): number {
  const order = scores.map((score, index) => ({ score, positive: isPositive[index] === true }));
  const bySame = [...Map.groupBy(order, ({ score }) => score)].toSorted(([one], [other]) => one - other);
  let [below, area, positives] = [0, 0, 0];
  for (const [, same] of bySame) {
    const hits = same.filter(({ positive }) => positive).length;
    area += hits * (below + (same.length - hits) / 2);
    below += same.length - hits;
    positives += hits;
  }
  return area / (positives * below);
}
