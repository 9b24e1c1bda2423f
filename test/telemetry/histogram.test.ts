/** Cells hold what the SDK's own histogram would: it is the oracle. */
import { emptyResource } from '@opentelemetry/resources';
import { AggregationType, DataPointType, MeterProvider, type HistogramMetricData } from '@opentelemetry/sdk-metrics';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createHistograms } from '../../src/telemetry/histogram.ts';
import { DURATION_BUCKETS } from '../../src/telemetry/instruments.ts';

const NAME = 'things';
const LABELS = [{ kind: 'a' }, { kind: 'b', more: 1 }] as const;

function pointsOf(metrics: readonly { readonly dataPointType: DataPointType }[]) {
  const histogram = metrics.find(({ dataPointType }) => dataPointType === DataPointType.HISTOGRAM);
  return ((histogram as HistogramMetricData | undefined)?.dataPoints ?? []).map(
    ({ attributes, value: { buckets, count, sum } }) => ({ attributes, buckets, count, sum }),
  );
}

test('any values under any labels are counted as by the SDK', async () => {
  const value = fc.oneof(fc.double({ min: 0, max: 10, noNaN: true }), fc.constantFrom(...DURATION_BUCKETS, 0));
  const recordings = fc.array(fc.tuple(fc.nat(LABELS.length - 1), value), { maxLength: 200 });
  await fc.assert(
    fc.asyncProperty(recordings, async (given) => {
      const clock = { nowMs: () => 1_000 };
      const histograms = createHistograms(clock, { name: 'test', version: '1' });
      const cell = histograms.create({ name: NAME, description: '', unit: 's', boundaries: DURATION_BUCKETS });
      const cells = LABELS.map(cell);
      const reader = new PrometheusExporter({ preventServerStart: true });
      const aggregation = {
        type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM as const,
        options: { boundaries: [...DURATION_BUCKETS] },
      };
      const provider = new MeterProvider({
        resource: emptyResource(),
        readers: [reader],
        views: [{ instrumentName: NAME, aggregation }],
      });
      const oracle = provider.getMeter('test').createHistogram(NAME);
      for (const [index, each] of given) {
        cells[index]?.(each);
        oracle.record(each, LABELS[index] ?? {});
      }
      const ours = (await histograms.producer.collect()).resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics);
      const theirs = (await reader.collect()).resourceMetrics.scopeMetrics.flatMap(({ metrics }) => metrics);
      const byKind = (points: ReturnType<typeof pointsOf>) =>
        points.toSorted((a, b) => String(a.attributes['kind']).localeCompare(String(b.attributes['kind'])));
      expect(byKind(pointsOf(ours))).toEqual(byKind(pointsOf(theirs)));
      await provider.shutdown();
    }),
    { numRuns: 100 },
  );
});
