/**
 * Values served, by status: of each service, and of each of its features. Label sets are bounded by the definitions: a feature
 * is told of under the statuses that it had. What an answer costs here does not grow with its features.
 */
import type { Meter } from '@opentelemetry/api';
import { STATUSES, statusRank } from '../core/status.ts';
import type { VectorRecorder } from '../serve/metrics-sink.ts';
import type { Cell } from './histogram.ts';
import { type Observation, counter } from './instruments.ts';

interface FeatureValues {
  /** Values served, of any status, but for those of rows that are pending. */
  served: number;
  /** By rank of the status; none is counted as `PRESENT`. */
  readonly others: Float64Array;
}

interface ServiceValues {
  readonly service: string;
  readonly features: Map<string, FeatureValues>;
  readonly recordRows: Cell;
  refused: number;
  /** Rows whose values are still to be counted: those of the latest answers, all with the same features. */
  pending: { readonly served: readonly number[]; readonly features: readonly FeatureValues[]; rows: number } | null;
}

const PRESENT = statusRank('PRESENT');

/** `rowsCell`: takes the number of rows of each request. */
export function createValueRecorders(
  meter: Meter,
  rowsCell: (labels: { readonly service: string }) => Cell,
): (service: string, features: readonly string[]) => VectorRecorder {
  const services = new Map<string, ServiceValues>();
  const counted = (): readonly ServiceValues[] => {
    const all = [...services.values()];
    for (const values of all) settle(values);
    return all;
  };
  counter(meter, 'skewless_values', 'Values served, by status.', () => counted().flatMap(ofService));
  counter(meter, 'skewless_feature_values', 'Values served of each feature, by status.', () =>
    counted().flatMap(ofFeatures),
  );
  counter(meter, 'skewless_rows_refused', 'Rows that were answered by an error of their own.', () =>
    [...services.values()].map(({ service, refused }) => [refused, { service }]),
  );
  return (service, features) => {
    const values = services.get(service) ?? createValues(service, rowsCell({ service }));
    services.set(service, values);
    return createRecorder(values, features);
  };
}

function createValues(service: string, recordRows: Cell): ServiceValues {
  return { service, features: new Map(), recordRows, refused: 0, pending: null };
}

function createRecorder(values: ServiceValues, names: readonly string[]): VectorRecorder {
  const features = names.map((name): FeatureValues => {
    const feature = values.features.get(name) ?? { served: 0, others: new Float64Array(STATUSES.length) };
    values.features.set(name, feature);
    return feature;
  });
  return {
    otherCounts: features.map(({ others }) => others),
    rows(count, refused, served) {
      values.recordRows(count);
      values.refused += refused;
      if (values.pending?.served !== served) {
        settle(values);
        values.pending = { served, features, rows: 0 };
      }
      values.pending.rows += count - refused;
    },
  };
}

function settle(values: ServiceValues): void {
  if (values.pending === null) return;
  const { served, features, rows } = values.pending;
  for (const place of served) (features[place] as FeatureValues).served += rows;
  values.pending = null;
}

/** By rank of the status. */
function countsOf({ served, others }: FeatureValues): readonly number[] {
  const counts = [...others];
  counts[PRESENT] = served - counts.reduce((sum, count) => sum + count, 0);
  return counts;
}

function ofService({ service, features }: ServiceValues): readonly Observation[] {
  const all = [...features.values()].map(countsOf);
  return STATUSES.map((status, rank) => [
    all.reduce((sum, counts) => sum + (counts[rank] as number), 0),
    { service, status },
  ]);
}

/** `PRESENT` from the start; others once a value had them. */
function ofFeatures({ service, features }: ServiceValues): readonly Observation[] {
  return [...features].flatMap(([feature, values]) =>
    countsOf(values).flatMap((count, rank): readonly Observation[] =>
      count > 0 || rank === PRESENT ? [[count, { service, feature, status: STATUSES[rank] }]] : [],
    ),
  );
}
