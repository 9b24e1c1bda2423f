import { expect, test } from 'vitest';
import { createMetrics } from '../../src/telemetry/metrics.ts';
import { createResource } from '../../src/telemetry/resource.ts';

const SHARDS = 5_000;

test('each of thousands of shards is told by its name', async () => {
  const clock = { nowMs: () => 1_000 };
  const metrics = createMetrics({ clock, version: '1', role: 'serve', resource: createResource('1', 'a', 'test') });
  const shard = {
    source: 's',
    view: 'v@1',
    ready: true,
    lag: 0,
    watermarkMs: null,
    caughtUpAtMs: 500,
    heartbeatMs: null,
  };
  const shards = Array.from({ length: SHARDS }, (_, partition) => ({ ...shard, partition, position: partition }));
  metrics.observeFreshness(async () => ({ shards, sources: [{ source: 's', watermarkMs: null }] }));
  const text = await metrics.text();
  expect(text.match(/^skewless_shard_position\{/gm)?.length).toBe(SHARDS);
  expect(text).toContain(`skewless_shard_position{source="s",view="v@1",partition="${SHARDS - 1}"} ${SHARDS - 1}\n`);
  expect(text).toContain('skewless_shard_freshness_seconds{source="s",view="v@1",partition="0"} 0.5\n');
  // What is not known is not told.
  expect(text).not.toMatch(/skewless_shard_watermark_seconds|skewless_source_watermark_age_seconds|overflow/);
  await metrics.close();
});

test('readers do not take from each other what they tell', async () => {
  const clock = { nowMs: () => 1_000 };
  const metrics = createMetrics({ clock, version: '1', role: 'serve', resource: createResource('1', 'a', 'test') });
  metrics.requests('GET', '/v1/x')(200, 3);
  const counted = (text: string) => text.match(/^http_server_request_duration_seconds_(count|sum).*$/gm);
  const first = counted(await metrics.text());
  expect(first?.map((line) => Number(line.split(' ').at(-1)))).toEqual([1, 0.003]);
  expect(counted(await metrics.text())).toEqual(first);
  await metrics.close();
});
