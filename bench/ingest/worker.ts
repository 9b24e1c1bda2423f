/**
 * One contestant of `bench:ingest`, a process of its own: prints `Figures` as JSON. Both kinds are measured from the
 * first batch that kafkajs hands over; one ends when it has parsed every event, the other when Redis holds them all.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import kafkajs from 'kafkajs';
import { AGGREGATIONS } from '../../src/aggregate/table.ts';
import { loadDefinitionsFrom } from '../../src/cli/definition-files.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { ViewDefinition } from '../../src/definition/definition.ts';
import { openKafkaLog } from '../../src/log/kafka.ts';
import type { Log } from '../../src/log/log.ts';
import { createMaterializer } from '../../src/materialize/materializer.ts';
import { sumOf } from '../../src/store/place.ts';
import { parseRedisUrl } from '../../src/store/redis-location.ts';
import { openRedisStore } from '../../src/store/redis.ts';
import type { Store } from '../../src/store/store.ts';
import { type Meter, createMeter } from './meter.ts';
import { PARTITIONS } from './workload.ts';

const { values: flags } = parseArgs({
  options: {
    mode: { type: 'string', default: 'raw' },
    brokers: { type: 'string', default: '' },
    redis: { type: 'string', default: '' },
    topic: { type: 'string', default: '' },
    namespace: { type: 'string', default: '' },
    definitions: { type: 'string', default: '' },
    events: { type: 'string', default: '0' },
  },
});
const ASK_MS = 10;
const brokers = flags.brokers.split(',');
const events = Number(flags.events);

/** kafkajs alone: reads every record and parses it. */
async function readRaw(meter: Meter): Promise<void> {
  const kafka = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId: flags.namespace, maxWaitTimeInMs: 250 });
  const done = Promise.withResolvers<void>();
  let read = 0;
  let sum = 0;
  await consumer.connect();
  await consumer.subscribe({ topics: [flags.topic], fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    partitionsConsumedConcurrently: PARTITIONS,
    eachBatch: ({ batch }) => {
      meter.begin();
      for (const { value } of batch.messages) {
        sum += (JSON.parse(value?.toString() ?? '') as { amount: number }).amount;
        read++;
      }
      if (read >= events) done.resolve();
      return Promise.resolve();
    },
  });
  await done.promise;
  meter.end(read);
  if (!Number.isFinite(sum)) throw new Error('amounts are numbers');
  await consumer.disconnect();
}

/** Until Redis holds every event, by this process or others of the namespace. */
async function materialize(meter: Meter): Promise<void> {
  const log = await openKafkaLog({ brokers, clientId: 'bench', clock: systemClock });
  const store = await openRedisStore({ location: parseRedisUrl(flags.redis), namespace: flags.namespace });
  const loaded = loadDefinitionsFrom(flags.definitions, AGGREGATIONS);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const { definitions } = loaded;
  const view = definitions.views.values().next().value as ViewDefinition;
  const materializer = createMaterializer({
    definitions,
    aggregations: AGGREGATIONS,
    log: noting(log, () => meter.begin()),
    store,
    clock: systemClock,
    namespace: flags.namespace,
    owner: `bench-${process.pid}`,
  });
  await materializer.start();
  while (!(await isWhole(store, view))) await delay(ASK_MS);
  meter.end(materializer.status().sources.reduce((sum, { views }) => sum + (views[0]?.counters.folded ?? 0), 0));
  await materializer.stop();
  await store.close();
  await log.close();
}

/** `log`, calling `onRecords` before records are delivered. */
function noting(log: Log, onRecords: () => void): Log {
  return {
    ...log,
    consume: (options, handler) =>
      log.consume(options, {
        ...handler,
        batch(batch) {
          if (batch.records.length > 0) onRecords();
          return handler.batch(batch);
        },
      }),
  };
}

/** A co-located shard holds what is in its partition of the source; a repartitioned one passes all records of all partitions. */
async function isWhole(store: Store, view: ViewDefinition): Promise<boolean> {
  const entityKey = view.keyColumns.join(',');
  let passed = 0;
  let isRepartitioned = false;
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const shard = { source: view.source.name, entityKey, partition };
    const [read] = await store.read(shard, [{ fingerprint: view.stateFingerprint, entities: [] }]);
    if (!read?.checkpoint) return false;
    passed += sumOf(read.checkpoint.position);
    isRepartitioned ||= read.checkpoint.transitPosition !== null;
  }
  return passed >= events * (isRepartitioned ? PARTITIONS : 1);
}

const meter = createMeter();
await (flags.mode === 'raw' ? readRaw(meter) : materialize(meter));
console.log(JSON.stringify(meter.figures()));
process.exit(0);
