/**
 * `npm run bench:telemetry`: CPU that a request costs the server with metrics as shipped, and with traces, ÷ without any. One
 * process serves all contestants, taking turns, from a process of its own that asks; the median of rounds is kept.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import { AGGREGATIONS } from '../src/aggregate/table.ts';
import { systemClock } from '../src/core/clock.ts';
import { loadDefinitions } from '../src/definition/load.ts';
import { openSqliteLog } from '../src/log/sqlite.ts';
import { createMaterializer } from '../src/materialize/materializer.ts';
import { buildApp } from '../src/serve/app.ts';
import { measureStore } from '../src/store/measured.ts';
import { openSqliteStore } from '../src/store/sqlite.ts';
import { createMetrics } from '../src/telemetry/metrics.ts';
import { openOtlp } from '../src/telemetry/otlp.ts';
import { createResource } from '../src/telemetry/resource.ts';

const ROUNDS = 21;
const REQUESTS = 1_000;
const CONNECTIONS = 8;
const NAME = { version: '0.0.0', namespace: 'bench', owner: 'bench' };
const DEFINITIONS = `
sources:
  - { name: orders, key: [customer], event_time: at, fields: { customer: string, at: timestamp, amount: double } }
entities:
  - { name: customer, keys: { customer: string } }
views:
  - name: spending
    entity: customer
    source: orders
    features:
      - { name: orders, agg: count, windows: [1m, 10m, 1h, 6h, 24h] }
      - { name: spent, agg: sum, of: amount, windows: [1m, 10m, 1h, 6h, 24h] }
services:
  - { name: scoring, features: [spending.*] }
`;
const PROBE = { method: 'GET', path: '/livez', body: '' };
const VECTORS = {
  method: 'POST',
  path: '/v1/feature-services/scoring/vectors',
  body: JSON.stringify({ entities: Array.from({ length: 10 }, (_, index) => ({ customer: `c${index}` })) }),
};

interface Order {
  readonly port: number;
  readonly ask: typeof PROBE;
}

/** In the asking process: sends so many requests, so many at a time. */
async function ask({ port, ask: { method, path, body } }: Order): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const one = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const headers = body === '' ? {} : { 'content-type': 'application/json' };
      const sent = request({ port, path, method, agent, headers }, (response) => {
        if (response.statusCode !== 200) reject(new Error(`${path} answered ${response.statusCode}`));
        response.resume().on('end', resolve);
      });
      sent.on('error', reject).end(body);
    });
  const client = async (): Promise<void> => {
    for (let sent = 0; sent < REQUESTS / CONNECTIONS; sent++) await one();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, client));
  agent.destroy();
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'skewless-bench-'));
  const loaded = loadDefinitions([{ path: 'bench.yaml', text: DEFINITIONS }], AGGREGATIONS);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const { definitions } = loaded;
  const clock = systemClock;
  const log = await openSqliteLog({ file: join(folder, 'log.sqlite'), clock });
  const store = await openSqliteStore({ file: join(folder, 'store.sqlite'), namespace: NAME.namespace });
  await log.ensureTopic('orders', 1);
  const records = Array.from({ length: 200 }, (_, index) => {
    const customer = `c${index % 10}`;
    const value = JSON.stringify({ customer, at: clock.nowMs() - index * 1_000, amount: index });
    return { key: Buffer.from(customer), value: Buffer.from(value), timestampMs: null };
  });
  await log.append('orders', records);
  const materializer = createMaterializer({ definitions, aggregations: AGGREGATIONS, log, store, clock, ...NAME });
  await materializer.start();
  while ((materializer.status().sources[0]?.partitions[0]?.position ?? 0) < records.length) await delay(10);
  await materializer.stop();

  const resource = createResource(NAME.version, NAME.owner, NAME.namespace);
  // Nobody listens there: what sending costs is the collector's business, and is left out.
  const endpoint = 'http://127.0.0.1:9';
  const otlp = openOtlp({ ...NAME, endpoint, traceRatio: 0.01, resource, logSystem: 'sqlite', onWarning: () => {} });
  const metricsOf = () => createMetrics({ clock, ...NAME, role: 'serve', resource });
  const contestants = [
    { name: 'none', metrics: null, tracing: null },
    { name: 'metrics', metrics: metricsOf(), tracing: null },
    { name: 'metrics, traces of 1 %', metrics: metricsOf(), tracing: otlp.traces },
  ];
  const common = { definitions, log: null, clock, logger: pino({ level: 'silent' }), materializerStatus: null };
  const apps = await Promise.all(
    contestants.map(async ({ metrics, tracing }) => {
      const measured =
        metrics === null ? store : measureStore(store, { begun: metrics.store, trace: tracing?.store ?? null });
      const app = await buildApp({ ...common, store: measured, metrics, tracing, version: NAME.version });
      await app.listen({ port: 0 });
      return app;
    }),
  );
  const asker = fork(import.meta.filename, ['asks']);
  for (const [what, question] of [['a probe', PROBE] as const, ['10 rows × 10 features', VECTORS] as const]) {
    const samples = apps.map(() => [] as number[]);
    for (let round = -2; round < ROUNDS; round++) {
      for (const [index, app] of apps.entries()) {
        const address = app.server.address();
        const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
        const before = process.cpuUsage();
        asker.send({ port, ask: question } satisfies Order);
        await once(asker, 'message');
        const { user, system } = process.cpuUsage(before);
        if (round >= 0) samples[index]?.push((user + system) / REQUESTS);
      }
    }
    for (const [index, { name }] of contestants.entries()) {
      const each = median(samples[index] ?? []);
      const ratio = median((samples[index] ?? []).map((value, round) => value / (samples[0]?.[round] ?? Number.NaN)));
      console.log(`${what}  ${name.padEnd(24)}${each.toFixed(1)} µs of CPU  ÷ none: ${ratio.toFixed(3)}`);
    }
  }
  asker.kill();
  for (const app of apps) await app.close();
  for (const { metrics } of contestants) await metrics?.close();
  await store.close();
  await log.close();
  rmSync(folder, { recursive: true });
  // Spans that nobody took are tried again for a while.
  process.exit();
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

if (process.argv[2] === 'asks') {
  process.on('message', (order: Order) => {
    void ask(order).then(() => process.send?.('done'));
  });
} else await main();
