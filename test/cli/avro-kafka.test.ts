/**
 * Avro as teams on Kafka have it: records that other producers wrote, by schemas of a real registry behind TLS, in a real Kafka, folded
 * into a real Redis. A second topic holds the same events in JSON, and what is served of both must be the same.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import kafkajs from 'kafkajs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunEvent } from '../../src/openlineage/event.ts';
import { framed, writeAvro } from '../event/schemas-support.ts';
import { expectValid } from '../openlineage/support.ts';
import { describeWith } from '../services/available.ts';
import { type Certificates, makeCertificates } from '../services/certificates.ts';
import { type KafkaService, startKafka } from '../services/kafka.ts';
import { startRedis } from '../services/redis.ts';
import { type RegistryService, startRegistry } from '../services/registry.ts';
import { writeDefinitions } from './definitions.ts';
import { type Finished, type Running, run, start, temporaryFolder } from './run.ts';

const NAMESPACE = `n${randomUUID().slice(0, 8)}`;
const AVRO = `orders-avro-${NAMESPACE}`;
const JSON_TOPIC = `orders-json-${NAMESPACE}`;
const FORMATS = ['avro', 'json'] as const;

const sourceOf = (format: string): string => `
  - name: ${format}_orders
    topic: orders-${format}-${NAMESPACE}
    format: ${format}
    key: [customer]
    event_time: at
    fields: { at: timestamp, customer: string, amount: double, number: int64, note: "string?" }`;
const viewOf = (format: string): string => `
  - name: ${format}_spend
    entity: customer
    source: ${format}_orders
    features:
      - { name: orders, agg: count, windows: [1h] }
      - { name: spent, agg: sum, of: amount, windows: [1h, 24h] }
      - { name: numbers, agg: last_n, n: 3, of: { number: number, note: note }, windows: [24h] }`;
const serviceOf = (format: string): string => `
  - { name: ${format}_scoring, features: [${format}_spend.*] }`;
const DEFINITIONS = `
sources:${FORMATS.map(sourceOf).join('')}
entities: [{ name: customer, keys: { customer: string } }]
views:${FORMATS.map(viewOf).join('')}
services:${FORMATS.map(serviceOf).join('')}
`;

const AT = { name: 'at', type: { type: 'long', logicalType: 'timestamp-micros' } };
const ORDER = {
  type: 'record',
  name: 'Order',
  fields: [
    AT,
    { name: 'customer', type: 'string' },
    { name: 'amount', type: 'float' },
    { name: 'number', type: 'long' },
  ],
};
/** Later producers say more, and say amounts more exactly. */
const EVOLVED = {
  ...ORDER,
  fields: [
    AT,
    { name: 'note', type: ['null', 'string'], default: null },
    { name: 'customer', type: 'string' },
    { name: 'amount', type: 'double' },
    { name: 'number', type: 'long' },
  ],
};

interface Order {
  readonly at: number;
  readonly customer: string;
  readonly amount: number;
  /** Of 64 bits. */
  readonly number: bigint;
  readonly note: string | null;
}

const CUSTOMERS = ['a', 'b', 'c', 'd', 'e', 'f'];
/** A while ago, so that nothing is ahead of its time; the second half by the later schema. */
const ORDERS: readonly Order[] = Array.from({ length: 120 }, (_none, index) => ({
  at: Date.now() - 1_800_000 + index * 1_000,
  customer: CUSTOMERS[(index * 7) % CUSTOMERS.length] as string,
  amount: Math.fround(index / 7),
  number: 9_007_199_254_740_993n + BigInt(index),
  note: index < 60 || index % 3 === 0 ? null : `ñ${index}`,
}));

/** Before the registry, for none has TLS of its own here. */
async function startTlsFront(to: URL, { cert, key }: Certificates): Promise<Server> {
  const server = createServer({ cert, key }, (incoming, outgoing) => {
    const { method, headers, url: path } = incoming;
    const passed = request({ host: to.hostname, port: to.port, method, path, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    passed.on('error', () => outgoing.destroy());
    incoming.pipe(passed);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

describeWith(['kafka', 'redis', 'registry', 'certificates'], 'Avro in Kafka, by a registry behind TLS', () => {
  const folder = temporaryFolder();
  const certificates = makeCertificates();
  const strangers = makeCertificates();
  const stops: (() => unknown)[] = [];
  let registry: RegistryService;
  let places: string[] = [];
  let named: string[] = [];
  let server: Running;

  async function produce(kafka: KafkaService, ids: readonly [number, number]): Promise<void> {
    const client = new kafkajs.Kafka({ brokers: [...kafka.brokers], logLevel: kafkajs.logLevel.NOTHING });
    const [admin, producer] = [client.admin(), client.producer()];
    await admin.connect();
    const topics = [AVRO, JSON_TOPIC].map((topic) => ({ topic, numPartitions: 3 }));
    await admin.createTopics({ topics, waitForLeaders: true });
    await admin.disconnect();
    await producer.connect();
    for (const [index, { at, number, note, ...order }] of ORDERS.entries()) {
      const isEvolved = index >= 60;
      const written = {
        ...order,
        at: BigInt(at) * 1_000n,
        number,
        ...(isEvolved && { note: note === null ? null : { string: note } }),
      };
      const avro = framed(ids[isEvolved ? 1 : 0], writeAvro(isEvolved ? EVOLVED : ORDER, written));
      const json = JSON.stringify({ ...order, at, number: String(number), note });
      const timestamp = String(at);
      await producer.sendBatch({
        topicMessages: [
          { topic: AVRO, messages: [{ key: order.customer, value: Buffer.from(avro), timestamp }] },
          { topic: JSON_TOPIC, messages: [{ key: order.customer, value: json, timestamp }] },
        ],
      });
    }
    await producer.disconnect();
  }

  beforeAll(async () => {
    const [kafka, redis] = await Promise.all([startKafka(), startRedis()]);
    stops.push(
      () => kafka.stop(),
      () => redis.stop(),
    );
    registry = await startRegistry();
    stops.push(() => registry.stop());
    const to = new URL(registry.url);
    const front = await startTlsFront(to, certificates);
    stops.push(() => front.close());
    await produce(kafka, [
      await registry.register(`${AVRO}-value`, ORDER),
      await registry.register(`${AVRO}-value`, EVOLVED),
    ]);
    writeDefinitions(folder, DEFINITIONS);
    const url = `https://localhost:${(front.address() as AddressInfo).port}${to.pathname}`;
    places = [
      '--definitions',
      'features',
      '--log',
      `kafka://${kafka.brokers.join(',')}`,
      '--namespace',
      NAMESPACE,
      '--schema-registry',
      url,
    ];
    named = [...places, '--schema-registry-ca', certificates.caFile];
    server = await start([...named, '--store', redis.url, '--served-sample', '1'], folder);
    stops.push(() => server.stop());
  }, 600_000);
  afterAll(async () => {
    for (const stop of stops.toReversed()) await stop();
    certificates.remove();
    strangers.remove();
  });

  async function vectors(format: string, asOf: number): Promise<string> {
    const response = await fetch(`${server.url}/v1/feature-services/${format}_scoring/vectors`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        entities: CUSTOMERS.map((customer) => ({ customer })),
        as_of: asOf,
        include: ['status', 'event_time'],
      }),
    });
    const text = await response.text();
    expect([response.status, text]).toEqual([200, expect.stringContaining('"vectors"')]);
    return text.slice(text.indexOf('"vectors"'));
  }

  test('what is served is what the same events in JSON give, as text', { timeout: 120_000 }, async () => {
    const asOf = Date.now();
    const deadlineMs = Date.now() + 60_000;
    while (!(await fetch(`${server.url}/readyz`)).ok && Date.now() < deadlineMs)
      await new Promise((resolve) => setTimeout(resolve, 50));
    const [avro, json] = [await vectors('avro', asOf), await vectors('json', asOf)];
    expect(avro).toBe(json);
    const { vectors: rows } = JSON.parse(`{${avro}`) as { vectors: { values: unknown[] }[] };
    expect(rows.map(({ values }) => values[0])).toEqual(CUSTOMERS.map(() => 20));
    const newest = ORDERS.findLast(({ customer }) => customer === 'a');
    expect(rows[0]?.values[3]).toMatchObject([{ number: String(newest?.number), note: newest?.note }, {}, {}]);
  });

  const auditAll = (flags: readonly string[]): Promise<Finished> => run(['audit', ...flags, '--json'], folder);

  test('rows served of Avro are audited against its records; the run is told as OpenLineage, with what it read', async () => {
    const asOf = Date.now();
    await vectors('avro', asOf);
    await vectors('json', asOf);
    await server.stop();
    const audited = await auditAll([...named, '--openlineage', 'file:runs.jsonl']);
    expect([audited.code, audited.stderr]).toEqual([0, '']);
    const { reports } = JSON.parse(audited.stdout) as { reports: readonly { service: string }[] };
    expect(reports.map(({ service }) => service).toSorted()).toEqual(['avro_scoring', 'json_scoring']);
    for (const report of reports) expect(report).toMatchObject({ mismatched: 0, skipped: {} });
    const events = readFileSync(join(folder, 'runs.jsonl'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as RunEvent);
    expectValid(events);
    expect(events.map(({ eventType }) => eventType)).toEqual(['START', 'COMPLETE']);
    expect(new Set(events.map(({ run: { runId } }) => runId)).size).toBe(1);
    const [, complete] = events;
    expect(complete?.job).toMatchObject({ name: `audit.${NAMESPACE}`, facets: { jobType: { jobType: 'AUDIT' } } });
    expect(complete?.inputs.map(({ name }) => name)).toEqual(
      expect.arrayContaining([AVRO, JSON_TOPIC, `${NAMESPACE}.served`]),
    );
    expect(complete?.outputs.map(({ name }) => name)).toEqual([`${NAMESPACE}.audits`]);
  }, 120_000);

  test('a registry that nobody trusted vouches for is refused, and the command says what would name its authority', async () => {
    for (const flags of [places, [...places, '--schema-registry-ca', strangers.caFile]]) {
      const refused = await auditAll(flags);
      expect([refused.code, refused.stderr]).toEqual([
        3,
        expect.stringMatching(
          /the schema registry https:\/\/localhost\S+ does not say: .*certificate.*--schema-registry-ca/,
        ),
      ]);
    }
  }, 120_000);
});
