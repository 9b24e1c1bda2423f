/** The program as it is started, sending to a collector. */
import { randomUUID } from 'node:crypto';
import kafkajs from 'kafkajs';
import { beforeAll, expect, test } from 'vitest';
import { ORDERS, writeDefinitions } from '../cli/definitions.ts';
import { type Running, start, temporaryFolder } from '../cli/run.ts';
import { describeWith } from '../services/available.ts';
import { type KafkaService, startKafka } from '../services/kafka.ts';
import { attributeOf, type SpanSeen, startCollector } from './collector.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const CALLER = '00f067aa0ba902b7';
const SAMPLED = `00-${TRACE}-${CALLER}-01`;
const CUSTOMER = 'customer-zzyzx-4711';
/** SpanKind, as OTLP numbers it. */
const KIND = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 };

const eventsOf = (minute: number): string =>
  JSON.stringify({ events: [{ customer: CUSTOMER, at: `2024-01-01T00:${minute}:00Z`, amount: 1 }] });

async function ingest({ url }: Running, headers: Record<string, string>, minute = 10): Promise<string> {
  const response = await fetch(`${url}/v1/sources/orders/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: eventsOf(minute),
  });
  expect(response.status).toBe(200);
  return ((await response.json()) as { position: string }).position;
}

/** Waits until the events before `position` are folded. */
async function read({ url }: Running, position: string, headers: Record<string, string> = {}): Promise<unknown> {
  const query = new URLSearchParams({ customer: CUSTOMER, as_of: '2024-01-01T00:30:00Z', after: position });
  const budget = 'budget_ms=30000';
  const response = await fetch(`${url}/v1/feature-services/scoring/vectors?${query.toString()}&${budget}`, { headers });
  return ((await response.json()) as { vectors: { values: unknown }[] }).vectors[0]?.values;
}

function only(spans: readonly SpanSeen[], name: string): SpanSeen {
  const found = spans.filter((span) => span.name === name);
  expect([name, found.length]).toEqual([name, 1]);
  return found[0] as SpanSeen;
}

describeWith(['kafka'], 'a trace over Kafka', () => {
  let kafka: KafkaService;
  beforeAll(async () => {
    kafka = await startKafka();
    return () => kafka.stop();
  });

  test('leads from the request that sent an event to the batch that folded it, in another process', async () => {
    const topic = `orders-${randomUUID().slice(0, 8)}`;
    await makeTopic(kafka, topic);
    const collector = await startCollector();
    const directory = temporaryFolder();
    const definitions = ORDERS.replace('- name: orders\n', `- name: orders\n    topic: ${topic}\n`);
    const where = ['--definitions', writeDefinitions(directory, definitions), '--store', 'sqlite:store.sqlite'];
    const common = [...where, '--log', `kafka://${kafka.brokers.join(',')}`, '--otlp-endpoint', collector.url];
    common.push('--trace-ratio', '0.000001');
    const materialize = await start(['--role', 'materialize', ...common], directory);
    const serve = await start(['--role', 'serve', ...common], directory);
    const position = await ingest(serve, { traceparent: SAMPLED, tracestate: 'vendor=1' });
    expect(await read(serve, position, { traceparent: SAMPLED })).toEqual([1, 1]);
    // Whoever called decided that this one is not traced.
    await ingest(serve, { traceparent: `00-${TRACE.replaceAll('4', '5')}-${CALLER}-00` }, 20);
    expect((await serve.stop()).code).toBe(0);
    expect((await materialize.stop()).code).toBe(0);

    const spans = collector.spans();
    const request = only(spans, 'POST /v1/sources/{source}/events');
    expect([request.traceId, request.parentSpanId, request.kind]).toEqual([TRACE, CALLER, KIND.server]);
    expect(attributeOf(request, 'http.response.status_code')).toBe('200');
    const send = only(spans, `send ${topic}`);
    expect([send.traceId, send.parentSpanId, send.kind]).toEqual([TRACE, request.spanId, KIND.producer]);
    const fold = only(spans, `process ${topic}`);
    expect(fold.links?.map(({ traceId, spanId }) => ({ traceId, spanId }))).toEqual([
      { traceId: TRACE, spanId: send.spanId },
    ]);
    expect([fold.kind, fold.parentSpanId ?? '', fold.traceId === TRACE]).toEqual([KIND.consumer, '', false]);
    expect(fold.instance).not.toBe(request.instance);
    const commits = spans.filter(({ name, parentSpanId }) => name === 'store commit' && parentSpanId === fold.spanId);
    expect(commits.map(({ traceId, kind }) => [traceId, kind])).toEqual([[fold.traceId, KIND.client]]);
    const reading = only(spans, 'GET /v1/feature-services/{service}/vectors');
    const steps = spans.filter(({ parentSpanId }) => parentSpanId === reading.spanId);
    expect(new Set(steps.map(({ name }) => name))).toEqual(new Set(['store read', 'evaluate']));
    expect(collector.bodies.join('\n')).not.toContain(CUSTOMER);
  });
});

test('metrics go to the collector when the process ends, under their OpenTelemetry names; headers are as the standard variable says', async () => {
  const collector = await startCollector();
  const directory = temporaryFolder();
  const server = await start(['--definitions', writeDefinitions(directory)], directory, {
    OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/`,
    OTEL_EXPORTER_OTLP_HEADERS: 'api-key=secret',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
  });
  expect(await read(server, await ingest(server, { traceparent: SAMPLED }))).toEqual([1, 1]);
  expect((await server.stop()).code).toBe(0);
  const metrics = new Map(collector.metrics().map((metric) => [metric.name, metric]));
  const requests = metrics.get('http.server.request.duration');
  expect([requests?.unit, requests?.histogram?.dataPoints[0]?.explicitBounds?.[0]]).toEqual(['s', 0.000_1]);
  const ingested = requests?.histogram?.dataPoints.find(
    (point) => attributeOf(point, 'http.route') === '/v1/sources/{source}/events',
  );
  expect(ingested?.count).toBe(1);
  const folded = metrics
    .get('skewless_records')
    ?.sum?.dataPoints.find((point) => attributeOf(point, 'outcome') === 'folded');
  expect(folded?.asDouble).toBe(1);
  expect(metrics.get('skewless_shard_position')?.gauge?.dataPoints.length).toBe(1);
  expect(new Set(collector.header('api-key'))).toEqual(new Set(['secret']));
  expect(collector.bodies.join('')).toContain('deployment.environment.name');
  // Nobody asked for traces.
  expect(collector.spans()).toEqual([]);
});

test('a collector that is away holds nothing up, and is told of once the process ends', async () => {
  const directory = temporaryFolder();
  const server = await start(
    ['--definitions', writeDefinitions(directory), '--otlp-endpoint', 'http://127.0.0.1:9', '--trace-ratio', '1'],
    directory,
  );
  expect(await read(server, await ingest(server, {}))).toEqual([1, 1]);
  const { code, stderr } = await server.stop();
  expect([code, stderr]).toEqual([0, expect.stringContaining('telemetry: ')]);
});

async function makeTopic({ brokers }: KafkaService, topic: string): Promise<void> {
  const admin = new kafkajs.Kafka({ brokers: [...brokers], logLevel: kafkajs.logLevel.NOTHING }).admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: 2 }], waitForLeaders: true });
  await admin.disconnect();
}
