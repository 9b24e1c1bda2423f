/**
 * Tables as Debezium writes them, on a real Kafka: keys and envelopes as the JSON converter makes them, with and without
 * schemas, tombstones after deletions. What is served equals the table as it was, where keys are where readers look, and
 * where records have to be moved first.
 */
import { randomUUID } from 'node:crypto';
import { Kafka, type Message, Partitioners, logLevel } from 'kafkajs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { AGGREGATIONS } from '../../src/aggregate/table.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { ViewDefinition } from '../../src/definition/definition.ts';
import { encodeEntityKey } from '../../src/event/entity-key.ts';
import { partitionOfEntity } from '../../src/log/entity-partition.ts';
import { openKafkaLog } from '../../src/log/kafka.ts';
import type { Log } from '../../src/log/log.ts';
import { createMaterializer, type Materializer } from '../../src/materialize/materializer.ts';
import { decodeState } from '../../src/state/codec.ts';
import { evaluate } from '../../src/state/evaluate.ts';
import { compilePlan } from '../../src/state/plan.ts';
import { randomFrom } from '../contract/random.ts';
import { describeWith } from '../services/available.ts';
import { type KafkaService, startKafka } from '../services/kafka.ts';
import { createMemoryStore } from '../simulation/memory-store.ts';
import { load, until } from './support.ts';

const PARTITIONS = 4;
const IDS = Array.from({ length: 40 }, (_none, index) => index + 1);
const CHANGES = 600;
const STEP_MS = 10;

const definitionsFor = (prefix: string): string => `
sources:
${['plain', 'wrapped']
  .map(
    (name) => `
  - name: ${name}
    topic: ${prefix}.${name}
    mode: upsert
    envelope: debezium
    key: { fields: [tenant, id], encoding: json }
    ${name === 'wrapped' ? 'partitioner: unknown' : ''}
    event_time: at
    history: complete
    fields: { at: { type: timestamp, path: ts_ms }, id: int64, tenant: string, balance: "double?" }`,
  )
  .join('')}
entities: [{ name: account, keys: { id: int64, tenant: string } }]
views:
  - { name: plain, entity: account, source: plain, history: 1d, features: [{ name: balance, agg: last, of: balance }] }
  - { name: wrapped, entity: account, source: wrapped, history: 1d, features: [{ name: balance, agg: last, of: balance }] }
`;

interface Change {
  readonly atMs: number;
  readonly id: number;
  /** Null: deleted. */
  readonly balance: number | null | 'deleted';
}

/** A table's life: rows come, change, go and come again, at times that grow. */
function changesFrom(seed: number, startMs: number): readonly Change[] {
  const random = randomFrom(seed);
  const there = new Set<number>();
  return Array.from({ length: CHANGES }, (_none, index): Change => {
    const id = random.pick(IDS);
    const isDeleted = there.has(id) && random.chance(0.25);
    if (isDeleted) there.delete(id);
    else there.add(id);
    const balance = isDeleted ? 'deleted' : random.pick([null, 1.5, -2, 7]);
    return { atMs: startMs + index * STEP_MS, id, balance };
  });
}

/** As the connector's producer sends a change: one record, and a tombstone after a deletion. */
function messagesOf({ atMs, id, balance }: Change, hasSchemas: boolean): readonly Message[] {
  const wrap = (payload: object): string =>
    JSON.stringify(hasSchemas ? { schema: { type: 'struct', optional: false }, payload } : payload);
  const row = { id, tenant: 'é', balance: balance === 'deleted' ? 1 : balance };
  const [before, after] = balance === 'deleted' ? [row, null] : [null, row];
  const event = { before, after, source: { table: 'accounts' }, op: after === null ? 'd' : 'u', ts_ms: atMs };
  const common = { key: wrap({ tenant: 'é', id }), timestamp: String(atMs) };
  const tombstones = after === null ? [{ ...common, value: null }] : [];
  return [{ ...common, value: wrap(event) }, ...tombstones];
}

describeWith(['kafka'], 'tables on a real Kafka', () => {
  const prefix = randomUUID();
  const definitions = load(definitionsFor(prefix));
  const startMs = systemClock.nowMs() - 3_600_000;
  const changes = changesFrom(1, startMs);
  const store = createMemoryStore(65_536);
  let kafka: KafkaService;
  let log: Log;
  let materializer: Materializer;

  beforeAll(async () => {
    kafka = await startKafka();
    log = await openKafkaLog({ brokers: kafka.brokers, clientId: 'test', clock: systemClock });
    await produce();
    const context = { definitions, aggregations: AGGREGATIONS, log, store, clock: systemClock };
    materializer = createMaterializer({ ...context, namespace: prefix, owner: 'one' });
    await materializer.start();
    await until('everything is folded', isCaughtUp, () => materializer.status());
  });
  afterAll(async () => {
    await materializer.stop();
    await log.close();
    await kafka.stop();
  });

  async function produce(): Promise<void> {
    const client = new Kafka({ brokers: [...kafka.brokers], logLevel: logLevel.NOTHING });
    const producer = client.producer({ createPartitioner: Partitioners.DefaultPartitioner });
    await producer.connect();
    for (const name of ['plain', 'wrapped']) {
      await log.ensureTopic(`${prefix}.${name}`, PARTITIONS);
      const messages = changes.flatMap((change) => messagesOf(change, name === 'wrapped'));
      await producer.send({ topic: `${prefix}.${name}`, messages });
    }
    await producer.disconnect();
  }

  const viewsOf = () => materializer.status().sources.flatMap(({ views }) => views);
  const recordCount = changes.length + changes.filter(({ balance }) => balance === 'deleted').length;

  function isCaughtUp(): boolean {
    return viewsOf().length === 2 && viewsOf().every(({ counters }) => counters.folded >= recordCount);
  }

  async function served(view: ViewDefinition, id: number, asOfMs: number): Promise<unknown> {
    const keys = [BigInt(id), 'é'];
    const partition = partitionOfEntity(view.source, view.keyColumns, keys, PARTITIONS);
    const shard = { source: view.source.name, entityKey: view.keyColumns.join(','), partition };
    const section = { fingerprint: view.stateFingerprint, entities: [encodeEntityKey(keys)] };
    const [read] = await store.read(shard, [section]);
    const stored = read?.states[0] ?? null;
    const plan = compilePlan(view, AGGREGATIONS);
    const { values, statuses } = evaluate(plan, stored === null ? null : decodeState(plan, stored), asOfMs, null);
    return [values[0], statuses[0]];
  }

  function expected(id: number, asOfMs: number): readonly [number | null, string] {
    const balance = changes.findLast((change) => change.id === id && change.atMs < asOfMs)?.balance;
    if (balance === undefined || balance === 'deleted') return [null, 'NOT_FOUND'];
    return [balance, balance === null ? 'NULL_VALUE' : 'PRESENT'];
  }

  test.each(['plain', 'wrapped'])(
    '%s: every row is served as it was at every time, and none that was deleted',
    async (name) => {
      const view = definitions.views.get(`${name}@1`) as ViewDefinition;
      const differences: unknown[] = [];
      const seen = new Set<string>();
      for (const id of IDS) {
        for (let step = 0; step <= CHANGES; step += 20) {
          const asOfMs = startMs + step * STEP_MS + (step % 40 === 0 ? 0 : 1);
          const [actual, wanted] = [await served(view, id, asOfMs), expected(id, asOfMs)];
          seen.add(wanted[1]);
          if (JSON.stringify(actual) !== JSON.stringify(wanted)) differences.push({ id, asOfMs, actual, wanted });
        }
      }
      expect(differences).toEqual([]);
      expect([...seen].toSorted()).toEqual(['NOT_FOUND', 'NULL_VALUE', 'PRESENT']);
    },
  );

  test('each record is folded once, none is a dead letter, and the one topic alone was moved', async () => {
    expect(viewsOf().map(({ counters }) => [counters.folded, counters.filtered, counters.rejected])).toEqual([
      [recordCount, 0, {}],
      [recordCount, 0, {}],
    ]);
    const ranges = (await log.ranges(`${prefix}.plain`)) ?? [];
    expect(ranges.filter(({ endOffset }) => endOffset > 0).length).toBeGreaterThan(1);
    for (const name of ['plain', 'wrapped']) {
      const letters = await log.ranges(`${prefix}.${name}.dlq`);
      expect(letters?.[0]?.endOffset ?? 0, name).toBe(0);
    }
  });
});
