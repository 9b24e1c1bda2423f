/** Topics written by others: Kafka's own Java producer with each codec, and librdkafka with both of its partitioners. */
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import type { Partitioner } from '../../src/definition/definition.ts';
import type { LogRecord } from '../../src/event/event.ts';
import { openKafkaLog } from '../../src/log/kafka.ts';
import type { Log } from '../../src/log/log.ts';
import { partitionOf } from '../../src/log/partitioner.ts';
import { describeWith } from '../services/available.ts';
import { type KafkaProcess, type KafkaService, startOwnKafka } from '../services/kafka.ts';

const PARTITIONS = 5;
const LINES = Array.from(
  { length: 3_000 },
  (_, index) => `key-${index % 700}|{"n":${index},"text":"${'ab'.repeat(index % 50)}"}`,
);

describeWith(['own-kafka', 'kcat'], 'topics of other producers', () => {
  let kafka: KafkaService & { readonly process: KafkaProcess };
  let log: Log;
  beforeAll(async () => {
    kafka = await startOwnKafka();
    log = await openKafkaLog({ brokers: kafka.brokers, clientId: 'test', clock: systemClock });
  });
  afterAll(async () => {
    await log.close();
    await kafka.stop();
  });

  async function recordsOf(topic: string): Promise<readonly LogRecord[]> {
    const records: LogRecord[] = [];
    for (const { partition, endOffset } of (await log.ranges(topic)) ?? []) {
      let from = 0;
      while (from < endOffset) {
        const some = await log.read(topic, partition, from, 10_000);
        records.push(...some);
        from = (some.at(-1)?.offset ?? endOffset) + 1;
      }
    }
    return records;
  }

  function expectLines(records: readonly LogRecord[]): void {
    const text = (bytes: Uint8Array | null): string => Buffer.from(bytes ?? []).toString();
    const lines = records.map(({ key, value }) => `${text(key)}|${text(value)}`);
    expect(new Set(lines)).toEqual(new Set(LINES));
    expect(lines.length).toBe(LINES.length);
  }

  function expectPlaced(records: readonly LogRecord[], by: Partitioner): void {
    const misplaced = records.filter(({ key, partition }) => partitionOf(key, PARTITIONS, by) !== partition);
    expect(misplaced.length).toBe(0);
    expect(new Set(records.map(({ partition }) => partition)).size).toBe(PARTITIONS);
  }

  test.for(['none', 'gzip', 'snappy', 'lz4', 'zstd'])(
    'the Java producer with %s is read, and its keys are where murmur2 says',
    async (codec) => {
      const topic = `java-${codec}-${randomUUID()}`;
      await log.ensureTopic(topic, PARTITIONS);
      const args = ['-Xmx128m', '-cp', kafka.process.classpath, 'org.apache.kafka.tools.ConsoleProducer'];
      args.push('--bootstrap-server', kafka.brokers.join(','), '--topic', topic, '--compression-codec', codec);
      args.push(
        '--property',
        'parse.key=true',
        '--property',
        'key.separator=|',
        '--producer-property',
        'linger.ms=200',
      );
      const produced = spawnSync('java', args, { input: `${LINES.join('\n')}\n`, encoding: 'utf8' });
      expect([produced.status, produced.stderr.includes('ERROR')]).toEqual([0, false]);
      const records = await recordsOf(topic);
      expectLines(records);
      expectPlaced(records, 'murmur2');
    },
  );

  test.for([
    ['murmur2_random', 'murmur2', 'lz4'],
    ['consistent_random', 'crc32', 'zstd'],
    ['consistent_random', 'crc32', 'snappy'],
  ] as const)('librdkafka with %s puts keys where %s says, and its %s is read', async ([name, partitioner, codec]) => {
    const topic = `kcat-${randomUUID()}`;
    await log.ensureTopic(topic, PARTITIONS);
    const args = [
      '-P',
      '-b',
      kafka.brokers.join(','),
      '-t',
      topic,
      '-K',
      '|',
      '-z',
      codec,
      '-X',
      `topic.partitioner=${name}`,
    ];
    const produced = spawnSync('kcat', args, { input: `${LINES.join('\n')}\n`, encoding: 'utf8' });
    expect([produced.status, produced.stderr]).toEqual([0, '']);
    const records = await recordsOf(topic);
    expectLines(records);
    expectPlaced(records, partitioner);
  });
});
