/**
 * `npm run bench:ingest`: from Kafka to committed Redis state, against kafkajs reading and parsing the same topic and doing
 * nothing else, so that the ratios mean the same on any machine. docs/performance.md says what each figure is.
 */
import { parseArgs } from 'node:util';
import { startKafka } from '../test/services/kafka.ts';
import { startOwnRedis } from '../test/services/redis.ts';
import { LONGER, benchMemory } from './ingest/memory.ts';
import { createReport, formatReport } from './ingest/report.ts';
import { benchServing } from './ingest/serving.ts';
import { benchThroughput } from './ingest/throughput.ts';
import { fillTopic } from './ingest/topic.ts';
import { writeDefinitions } from './ingest/workload.ts';
import { positive } from './flags.ts';

const HELP = `Usage: npm run bench:ingest -- [options]

Measures ingest from Kafka to Redis, each started for it, as ratios to reading the same topic and parsing it.

  --events <count>    events of the topic (1600000); another one holds a quarter of them
  --rounds <count>    times that each contestant runs, in turn (3); medians are kept
  --seconds <count>   how long the steady stream is watched (30)
  --json              figures and targets as JSON
  --help              this text`;

const { values: flags } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
    events: { type: 'string', default: '1600000' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '30' },
  },
});

function count(name: 'events' | 'rounds' | 'seconds'): number {
  return positive(name, flags[name]);
}

async function bench(): Promise<void> {
  const [events, rounds, seconds] = [count('events'), count('rounds'), count('seconds')];
  const [topic, shorterTopic] = ['payments', 'payments-shorter'];
  const shorterEvents = Math.ceil(events / LONGER);
  const say = (text: string): void => console.error(text);
  const kafka = await startKafka();
  const redis = await startOwnRedis();
  const world = { brokers: kafka.brokers, redis };
  try {
    say('filling two topics …');
    await fillTopic(kafka.brokers, topic, shorterEvents, LONGER);
    await fillTopic(kafka.brokers, shorterTopic, shorterEvents, 1);
    say('throughput …');
    const keyed = writeDefinitions(topic, 'card');
    const repartitioned = writeDefinitions(topic, 'shop');
    const throughput = await benchThroughput(world, {
      topic,
      events: shorterEvents * LONGER,
      rounds,
      keyed,
      repartitioned,
    });
    say('memory …');
    const memory = await benchMemory(world, {
      shorter: { topic: shorterTopic, events: shorterEvents, definitions: writeDefinitions(shorterTopic, 'card') },
      longer: { topic, events: shorterEvents * LONGER, definitions: keyed },
    });
    say('produce to served …');
    await redis.command('flushall');
    const serving = await benchServing(world, seconds);
    const report = createReport({ events, rounds }, throughput, serving, memory);
    console.log(flags.json ? JSON.stringify(report, null, 2) : formatReport(report));
  } finally {
    await redis.stop();
    await kafka.stop();
  }
}

if (flags.help) console.log(HELP);
else await bench();
