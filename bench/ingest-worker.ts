/** One contestant of `bench:ingest`, a process of its own: prints `{ seconds, cpu_seconds, events, rss_mib }` as JSON. */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import kafkajs from 'kafkajs';
import { AGGREGATIONS } from '../src/aggregate/table.ts';
import { systemClock } from '../src/core/clock.ts';
import { loadDefinitions } from '../src/definition/load.ts';
import { openKafkaLog } from '../src/log/kafka.ts';
import { createMaterializer } from '../src/materialize/materializer.ts';
import { parseRedisUrl } from '../src/store/redis-location.ts';
import { openRedisStore } from '../src/store/redis.ts';

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
const brokers = flags.brokers.split(',');
const events = Number(flags.events);

interface Meter {
  begin(): void;
  report(folded: number): void;
}

function createMeter(): Meter {
  let startedMs = 0;
  let cpu = process.cpuUsage();
  return {
    begin() {
      if (startedMs > 0) return;
      startedMs = performance.now();
      cpu = process.cpuUsage();
    },
    report(folded) {
      const { user, system } = process.cpuUsage(cpu);
      const seconds = (performance.now() - startedMs) / 1e3;
      const rss_mib = process.resourceUsage().maxRSS / 1024;
      console.log(JSON.stringify({ seconds, cpu_seconds: (user + system) / 1e6, events: folded, rss_mib }));
    },
  };
}

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
    partitionsConsumedConcurrently: 4,
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
  meter.report(read);
  if (!Number.isFinite(sum)) throw new Error('amounts are numbers');
  await consumer.disconnect();
}

/** Until all of this process's shards are live and, with those of others, hold every event. */
async function materialize(meter: Meter): Promise<void> {
  const log = await openKafkaLog({ brokers, clientId: 'bench', clock: systemClock });
  const store = await openRedisStore({ location: parseRedisUrl(flags.redis), namespace: flags.namespace });
  const loaded = loadDefinitions([{ path: 'bench.yaml', text: readFileSync(flags.definitions, 'utf8') }], AGGREGATIONS);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const materializer = createMaterializer({
    definitions: loaded.definitions,
    aggregations: AGGREGATIONS,
    log,
    store,
    clock: systemClock,
    namespace: flags.namespace,
    owner: `bench-${process.pid}`,
  });
  await materializer.start();
  const folded = (): number =>
    materializer.status().sources.reduce((sum, { views }) => sum + (views[0]?.counters.folded ?? 0), 0);
  while (folded() === 0) await delay(1);
  meter.begin();
  const fetched = async (): Promise<number> =>
    (await store.list()).reduce(
      (sum, { checkpoint }) => sum + Object.values(checkpoint.position).reduce((a, b) => a + b, 0),
      0,
    );
  while ((await fetched()) < events) await delay(20);
  meter.report(folded());
  await materializer.stop();
  await store.close();
  await log.close();
}

const meter = createMeter();
await (flags.mode === 'raw' ? readRaw(meter) : materialize(meter));
process.exit(0);
