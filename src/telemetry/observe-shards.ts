/** By view and partition, and by source: as any process reads it from the store's checkpoints. */
import type { BatchObservableResult, Meter, ObservableGauge } from '@opentelemetry/api';
import type { Clock } from '../core/clock.ts';
import type { FreshnessReport, ShardReport } from '../serve/metrics-sink.ts';

interface ShardGauge {
  readonly name: string;
  readonly description: string;
  readonly unit?: string;
  /** Null: not told. */
  readonly read: (shard: ShardReport, nowMs: number) => number | null;
}

const SHARD_GAUGES: readonly ShardGauge[] = [
  { name: 'skewless_shard_position', description: 'Next offset to fold.', read: ({ position }) => position },
  { name: 'skewless_shard_lag_records', description: 'Records appended and not yet folded.', read: ({ lag }) => lag },
  {
    name: 'skewless_shard_watermark_seconds',
    description: 'Watermark, seconds since the epoch.',
    unit: 's',
    read: ({ watermarkMs }) => (watermarkMs === null ? null : watermarkMs / 1e3),
  },
  {
    name: 'skewless_shard_freshness_seconds',
    description: "Time since the owner confirmed reaching the log's end.",
    unit: 's',
    read: ({ caughtUpAtMs }, nowMs) => secondsSince(caughtUpAtMs, nowMs),
  },
  {
    name: 'skewless_shard_heartbeat_age_seconds',
    description: 'Time since the owner last committed.',
    unit: 's',
    read: ({ heartbeatMs }, nowMs) => secondsSince(heartbeatMs, nowMs),
  },
  {
    name: 'skewless_shard_ready',
    description: '1 where the shard has reached its build target.',
    read: ({ ready }) => (ready ? 1 : 0),
  },
];

/** One reading of the checkpoints serves all of these. */
export function observeShards(meter: Meter, clock: Clock, report: () => Promise<FreshnessReport>): void {
  const gauges = SHARD_GAUGES.map((shape): readonly [ShardGauge, ObservableGauge] => {
    const { name, description, unit = '' } = shape;
    return [shape, meter.createObservableGauge(name, { description, unit })];
  });
  const age = meter.createObservableGauge('skewless_source_watermark_age_seconds', {
    description: "Time since the source's watermark.",
    unit: 's',
  });
  const observe = async (result: BatchObservableResult): Promise<void> => {
    const { shards, sources } = await report();
    const nowMs = clock.nowMs();
    for (const shard of shards) {
      const labels = { source: shard.source, view: shard.view, partition: shard.partition };
      for (const [{ read }, instrument] of gauges) {
        const value = read(shard, nowMs);
        if (value !== null) result.observe(instrument, value, labels);
      }
    }
    for (const { source, watermarkMs } of sources) {
      const value = secondsSince(watermarkMs, nowMs);
      if (value !== null) result.observe(age, value, { source });
    }
  };
  meter.addBatchObservableCallback(observe, [...gauges.map(([, instrument]) => instrument), age]);
}

function secondsSince(ms: number | null, nowMs: number): number | null {
  return ms === null ? null : Math.max(0, nowMs - ms) / 1e3;
}
