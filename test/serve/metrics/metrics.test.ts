import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { replacingReads, ROW, startAirport } from '../vectors/fixture.ts';

/** Name → samples, without their values. */
function samplesOf(text: string): ReadonlyMap<string, readonly string[]> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    [...Map.groupBy(lines, (line) => /^[a-z0-9_]+/.exec(line)?.[0] ?? '')].map(([name, some]) => [name, some]),
  );
}

test('what happened to records, requests and shards is told', async () => {
  const { get, vectors } = await startAirport();
  await vectors('delays', { entities: [ROW] });
  const { status, headers, text } = await get('/metrics');
  expect([status, headers['content-type']]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8']);
  const samples = samplesOf(text);
  expect(samples.get('skewless_shard_lag_records')?.every((line) => line.endsWith(' 0'))).toBe(true);
  expect(samples.get('skewless_shard_ready')?.length).toBeGreaterThan(0);
  expect(samples.get('skewless_records_total')?.some((line) => /outcome="folded".* [1-9]/.test(line))).toBe(true);
  expect(samples.get('skewless_lane_state')?.every((line) => line.includes('state="live"'))).toBe(true);
});

test('a request is counted under its operation and status', async () => {
  const { get } = await startAirport();
  await get('/v1/feature-views');
  await get('/v1/feature-views/nothing');
  const { text } = await get('/metrics');
  expect(text).toMatch(/skewless_request_duration_seconds_count\{operation="listFeatureViews",status="2xx"[^}]*\} 1/);
  expect(text).toMatch(/skewless_request_duration_seconds_bucket\{[^}]*le="0.0001"\}/);
});

test('a store that hangs does not hang the metrics: what it would have said is left out', async () => {
  const { get } = await startAirport({ wrapStore: replacingReads(() => new Promise(() => undefined)) });
  const { status, text } = await get('/metrics');
  expect(status).toBe(200);
  expect(text).toContain('skewless_records_total');
  expect(text).not.toContain('skewless_shard_position{');
});

test('the documentation names every metric, and no other', async () => {
  const { get, vectors } = await startAirport();
  await vectors('delays', { entities: [ROW] });
  const { text } = await get('/metrics');
  const told = [...text.matchAll(/^# TYPE (skewless_\w+)/gm)].map(([, name]) => name);
  const page = readFileSync(join(import.meta.dirname, '../../../docs/metrics.md'), 'utf8');
  const table = page.split('\n').filter((line) => line.startsWith('| `'));
  const documented = table.flatMap((line) =>
    [...(line.split('|')[1] ?? '').matchAll(/`(skewless_\w+)`/g)].map(([, name]) => name),
  );
  // Shown only once there was one of it.
  const sometimes = ['skewless_records_rejected_total'];
  expect(new Set([...told, ...sometimes])).toEqual(new Set(documented));
});
