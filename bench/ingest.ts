/**
 * `npm run bench:ingest`: from Kafka to committed Redis state, against kafkajs reading and parsing the same topic and doing
 * nothing else, in turn, so that the ratios mean the same on any machine. `--json` for scripts.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import kafkajs from 'kafkajs';
import { Redis } from 'ioredis';
import { startKafka } from '../test/services/kafka.ts';
import { startOwnRedis } from '../test/services/redis.ts';

const { values: flags } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    events: { type: 'string', default: '400000' },
    rounds: { type: 'string', default: '3' },
  },
});
const EVENTS = Number(flags.events);
const ROUNDS = Number(flags.rounds);
const ENTITIES = 10_000;
const PARTITIONS = 4;
const TOPIC = 'payments';
const WORKER = join(import.meta.dirname, 'ingest-worker.ts');
const HOUR_MS = 3_600_000;
const SPAN_MS = 8 * 24 * HOUR_MS;

const DEFINITIONS = `
sources:
  - name: payments
    topic: ${TOPIC}
    key: [card]
    event_time: at
    max_disorder: 1m
    fields: { at: timestamp, card: string, amount: double, merchant: string }
entities: [{ name: card, keys: { card: string } }]
views:
  - name: spend
    entity: card
    source: payments
    features:
      - { name: payments, agg: count, windows: [1h, 24h, 7d] }
      - { name: spent, agg: sum, of: amount, windows: [1h, 24h, 7d] }
      - { name: largest, agg: max, of: amount, windows: [1h, 24h, 7d] }
      - { name: typical, agg: mean, of: amount, windows: [1h, 24h, 7d] }
      - { name: merchants, agg: count_distinct, of: merchant, windows: [24h] }
`;

interface Figures {
  readonly seconds: number;
  readonly cpu_seconds: number;
  readonly events: number;
  readonly rss_mib: number;
}

const kafka = await startKafka();
const redis = await startOwnRedis();
const definitions = join(mkdtempSync(join(tmpdir(), 'skewless-bench-')), 'bench.yaml');
writeFileSync(definitions, DEFINITIONS);
try {
  await produce();
  const report = await measure();
  console.log(flags.json ? JSON.stringify(report, null, 2) : format(report));
} finally {
  await redis.stop();
  await kafka.stop();
}

/** Zipf's law with exponent 1 over the entities: the rank of a uniform draw in the harmonic sums. */
function createZipf(): () => number {
  const sums = new Float64Array(ENTITIES);
  for (let rank = 0, sum = 0; rank < ENTITIES; rank++) sums[rank] = sum += 1 / (rank + 1);
  const total = sums[ENTITIES - 1] as number;
  let state = 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const wanted = (state / 2 ** 32) * total;
    let low = 0;
    for (let high = ENTITIES - 1; low < high; ) {
      const middle = (low + high) >> 1;
      if ((sums[middle] as number) < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
}

/** Event time passes as append time does, over eight days that end now. */
async function produce(): Promise<void> {
  const client = new kafkajs.Kafka({ brokers: [...kafka.brokers], logLevel: kafkajs.logLevel.NOTHING });
  const admin = client.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: PARTITIONS }] });
  await admin.disconnect();
  const producer = client.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  const draw = createZipf();
  const startMs = Date.now() - SPAN_MS;
  for (let from = 0; from < EVENTS; from += 5_000) {
    const messages = Array.from({ length: Math.min(5_000, EVENTS - from) }, (_, index) => {
      const at = Math.floor(startMs + (SPAN_MS * (from + index)) / EVENTS);
      const card = `card-${draw()}`;
      const event = { at, card, amount: (draw() * 7 + 1) / 100, merchant: `m${draw() % 500}` };
      return { key: card, value: JSON.stringify(event), timestamp: String(at) };
    });
    await producer.send({ topic: TOPIC, messages });
  }
  await producer.disconnect();
}

async function work(mode: 'raw' | 'materialize', namespace: string): Promise<Figures> {
  const args = ['--mode', mode, '--brokers', kafka.brokers.join(','), '--redis', redis.url, '--topic', TOPIC];
  args.push('--namespace', namespace, '--definitions', definitions, '--events', String(EVENTS));
  const child = spawn(process.execPath, ['--disable-warning=TimeoutNegativeWarning', WORKER, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()));
  const [code] = (await once(child, 'exit')) as [number];
  if (code !== 0) throw new Error(`the ${mode} worker ended with ${code}: ${output}`);
  return JSON.parse(output) as Figures;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

async function measure() {
  const raw: Figures[] = [];
  const ours: Figures[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    raw.push(await work('raw', `raw-${round}`));
    await redis.command('flushall');
    await redis.command('config', 'resetstat');
    ours.push(await work('materialize', `ours-${round}`));
  }
  const eventsPerCommit = EVENTS / (await commits());
  const sizes = await stateBytes();
  await redis.command('flushall');
  const both = await Promise.all([work('materialize', 'two'), work('materialize', 'two')]);
  const [rawRate, oursRate] = [raw, ours].map((all) => median(all.map(({ events, seconds }) => events / seconds)));
  const [rawCpu, oursCpu] = [raw, ours].map((all) => median(all.map((each) => each.events / each.cpu_seconds)));
  const secondsOfTwo = Math.max(...both.map(({ seconds }) => seconds));
  return {
    events: EVENTS,
    raw_events_per_second: rawRate as number,
    raw_events_per_cpu_second: rawCpu as number,
    events_per_second: oursRate as number,
    events_per_cpu_second: oursCpu as number,
    ratio_per_second: (oursRate as number) / (rawRate as number),
    ratio_per_cpu_second: (oursCpu as number) / (rawCpu as number),
    two_processes_over_one: median(ours.map(({ seconds }) => seconds)) / secondsOfTwo,
    events_per_commit: eventsPerCommit,
    redis_bytes_per_entity: sizes,
    peak_rss_mib: Math.max(...ours.map(({ rss_mib }) => rss_mib)),
    raw_peak_rss_mib: Math.max(...raw.map(({ rss_mib }) => rss_mib)),
  };
}

async function commits(): Promise<number> {
  const stats = (await redis.command('info', 'commandstats')) as string;
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1] ?? 0);
}

/** Of heads and tiles together. */
async function stateBytes(): Promise<{ p50: number; p99: number; max: number }> {
  const client = new Redis(redis.url);
  const bytes = new Map<string, number>();
  for (let cursor = '0'; ; ) {
    const [next, keys] = await client.scan(cursor, 'COUNT', 1_000);
    const states = keys.filter((key) => /\}[ht]:/.test(key));
    const lengths = await Promise.all(states.map((key) => client.strlen(key)));
    for (const [index, key] of states.entries()) {
      const entity = key.replace(/\}[ht]:/, '}');
      bytes.set(entity, (bytes.get(entity) ?? 0) + (lengths[index] ?? 0));
    }
    cursor = next;
    if (cursor === '0') break;
  }
  client.disconnect();
  const sorted = [...bytes.values()].toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

function format(report: Awaited<ReturnType<typeof measure>>): string {
  const { redis_bytes_per_entity: sizes } = report;
  const whole = (value: number): string => Math.round(value).toLocaleString('en');
  return [
    `${whole(report.events)} events, ${whole(ENTITIES)} entities (Zipf 1.0), ${PARTITIONS} partitions, 13 aggregations`,
    `reading and JSON.parse alone   ${whole(report.raw_events_per_second)} /s   ${whole(report.raw_events_per_cpu_second)} per CPU-second`,
    `to committed Redis state       ${whole(report.events_per_second)} /s   ${whole(report.events_per_cpu_second)} per CPU-second`,
    `ratio                          ${report.ratio_per_second.toFixed(3)}   ${report.ratio_per_cpu_second.toFixed(3)} per CPU-second`,
    `two processes ÷ one            ${report.two_processes_over_one.toFixed(2)}`,
    `events per commit              ${report.events_per_commit.toFixed(0)}`,
    `Redis bytes per entity         p50 ${sizes.p50}, p99 ${sizes.p99}, max ${sizes.max}`,
    `peak memory                    ${whole(report.peak_rss_mib)} MiB (reading alone: ${whole(report.raw_peak_rss_mib)})`,
  ].join('\n');
}
