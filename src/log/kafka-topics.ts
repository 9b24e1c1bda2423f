/** What topics there are, and what their partitions hold. */
import { setTimeout as delay } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import { type KafkaClient, isMoving, kafkaFault } from './kafka-client.ts';
import type { KafkaReaders } from './kafka-reader.ts';
import type { PartitionRange, TimestampOrigin, TopicSettings } from './log.ts';

export interface Offsets {
  readonly startOffset: number;
  /** The last stable offset: everything below it is committed, aborted, or a marker. */
  readonly endOffset: number;
}

export interface Topics {
  ensure(topic: string, partitions: number, settings?: TopicSettings): Promise<void>;
  /** By partition, in order; null when there is no such topic. */
  offsets(topic: string): Promise<ReadonlyMap<number, Offsets> | null>;
  ranges(topic: string): Promise<readonly PartitionRange[] | null>;
  timestampOrigin(topic: string): Promise<TimestampOrigin>;
}

/** kafkajs gives up at once where a partition's leader has changed. */
const LEADER_ATTEMPTS_MAX = 10;
const LEADER_WAIT_MS = 100;

const TIMESTAMP_TYPE = 'message.timestamp.type';

/** Start timestamps kept, so that a truncated topic is not read again for each call. */
const TIMESTAMPS_KEPT = 10_000;

export function createTopics(client: KafkaClient, readers: KafkaReaders): Topics {
  /** `topic/partition/startOffset` → append time of that record. */
  const startTimestamps = new Map<string, number | null>();

  async function offsets(topic: string): Promise<ReadonlyMap<number, Offsets> | null> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await client.withAdmin(topic, async (admin) => offsetsOf(await admin.fetchTopicOffsets(topic)));
      } catch (error) {
        if (kafkaFault(error, topic).code === 'unknown_topic') return null;
        if (!isMoving(error) || attempt === LEADER_ATTEMPTS_MAX) throw error;
        await delay(LEADER_WAIT_MS);
      }
    }
  }

  /** Needed only where records are gone: then it says since when history is complete. */
  async function startTimestampMs(topic: string, partition: number, held: Offsets): Promise<number | null> {
    if (held.startOffset === 0 || held.startOffset >= held.endOffset) return null;
    const name = `${topic}/${partition}/${held.startOffset}`;
    const known = startTimestamps.get(name);
    if (known !== undefined) return known;
    const [first] = await readers.read(topic, partition, held.startOffset, 1, held.endOffset);
    if (startTimestamps.size >= TIMESTAMPS_KEPT) startTimestamps.clear();
    startTimestamps.set(name, first?.timestampMs ?? null);
    return first?.timestampMs ?? null;
  }

  return {
    ensure: (topic, partitions, settings) =>
      client.withAdmin(topic, async (admin) => {
        await admin.createTopics({
          topics: [{ topic, numPartitions: partitions, replicationFactor: -1, configEntries: configOf(settings) }],
          waitForLeaders: true,
        });
      }),
    offsets,
    timestampOrigin: (topic) =>
      client.withAdmin(topic, async (admin) => {
        const { resources } = await admin.describeConfigs({
          includeSynonyms: false,
          resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configNames: [TIMESTAMP_TYPE] }],
        });
        const type = resources[0]?.configEntries.find(({ configName }) => configName === TIMESTAMP_TYPE)?.configValue;
        return type === 'LogAppendTime' ? 'log' : 'producer';
      }),
    async ranges(topic) {
      const held = await offsets(topic);
      if (held === null) return null;
      const ranges: PartitionRange[] = [];
      for (const [partition, each] of held) {
        ranges.push({ partition, ...each, startTimestampMs: await startTimestampMs(topic, partition, each) });
      }
      return ranges;
    },
  };
}

function offsetsOf(found: readonly { partition: number; low: string; high: string }[]): ReadonlyMap<number, Offsets> {
  const sorted = found.toSorted((one, other) => one.partition - other.partition);
  return new Map(
    sorted.map(({ partition, low, high }) => [partition, { startOffset: Number(low), endOffset: Number(high) }]),
  );
}

function configOf(settings: TopicSettings | undefined): { name: string; value: string }[] {
  if (settings === undefined) return [];
  const { keepsAll, recordBytesMax } = settings;
  const kept = ['retention.ms', 'retention.bytes'].map((name) => ({ name, value: '-1' }));
  return [{ name: 'max.message.bytes', value: String(recordBytesMax) }, ...(keepsAll ? kept : [])];
}
