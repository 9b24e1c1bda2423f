/**
 * Appending to Kafka: `acks=all` by one idempotent producer, one request at a time and connection, which keeps order even
 * where a request is tried again. Progress is an offset committed in the same transaction as the records, in a group of
 * its own; the transactional id is the work's, so that a second worker on it fences the first.
 */
import kafkajs, { type IHeaders, type Message, type Producer, type RecordMetadata } from 'kafkajs';
import type { Clock } from '../core/clock.ts';
import { SkewlessError } from '../core/errors.ts';
import type { Partitioner } from '../definition/definition.ts';
import type { RecordHeaders } from '../event/event.ts';
import { type KafkaClient, kafkaFault, unknownTopic } from './kafka-client.ts';
import { within } from './kafka-time.ts';
import type { Topics } from './kafka-topics.ts';
import { type Transactions, createTransactions } from './kafka-transactions.ts';
import type { AppendProgress, AppendRecord, AppendedAt, Transfer, TransferOptions } from './log.ts';
import { partitionOf } from './partitioner.ts';

export interface KafkaProducers {
  append(
    topic: string,
    records: readonly AppendRecord[],
    partitioner: Partitioner,
    progress: AppendProgress | null,
  ): Promise<readonly AppendedAt[]>;
  progressOf(topic: string, id: string): Promise<number>;
  openTransfer(options: TransferOptions): Promise<Transfer>;
  close(): Promise<void>;
}

export function createKafkaProducers(client: KafkaClient, topics: Topics, clock: Clock): KafkaProducers {
  const transactions: Transactions = createTransactions(client);
  const partitionCounts = new Map<string, number>();
  let connecting: Promise<Producer> | null = null;
  let keyless = 0;

  async function connect(): Promise<Producer> {
    const producer = client.kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    });
    await producer.connect();
    return producer;
  }

  function producer(): Promise<Producer> {
    connecting ??= connect().catch((error: unknown) => {
      connecting = null;
      throw error;
    });
    return connecting;
  }

  /**
   * After a fault the sequence numbers of an idempotent producer are in doubt: the next append gets a new one. Appends that
   * fail side by side leave alone what the first of them has replaced.
   */
  function discard(failed: Promise<Producer>): void {
    if (connecting !== failed) return;
    connecting = null;
    void failed.then((old) => old.disconnect()).catch(() => undefined);
  }

  async function countOf(topic: string): Promise<number> {
    const known = partitionCounts.get(topic);
    if (known !== undefined) return known;
    const offsets = await topics.offsets(topic);
    if (offsets === null) throw unknownTopic(topic);
    partitionCounts.set(topic, offsets.size);
    return offsets.size;
  }

  /** Each with its partition: kafkajs's own partitioner does not know crc32. */
  async function place(topic: string, records: readonly AppendRecord[], partitioner: Partitioner): Promise<Placed[]> {
    const count = await countOf(topic);
    return records.map((record) => {
      const partition = record.partition ?? partitionOf(record.key, count, partitioner) ?? keyless++ % count;
      return { partition, message: messageOf(record, partition, clock.nowMs()), bytes: bytesOf(record) };
    });
  }

  async function send(topic: string, placed: readonly Placed[]): Promise<readonly AppendedAt[]> {
    if (placed.length === 0) return [];
    const places: AppendedAt[] = [];
    const used = producer();
    try {
      for (const piece of piecesOf(placed, client.bounds.produceBytesMax)) {
        const sent = await client.call(topic, async () =>
          (await used).send({ topic, acks: -1, messages: piece.map(({ message }) => message) }),
        );
        places.push(...placesOf(piece, sent));
      }
    } catch (error) {
      discard(used);
      throw error;
    }
    return places;
  }

  return {
    async append(topic, records, partitioner, progress) {
      const placed = await place(topic, records, partitioner);
      if (progress !== null) return appendWithProgress(topic, placed, progress);
      try {
        return await send(topic, placed);
      } catch (error) {
        const fault = kafkaFault(error, topic);
        if (fault.code === 'unknown_topic') partitionCounts.delete(topic);
        // A producer that Kafka has forgotten is no fault of the caller's: nobody else has our id.
        if (fault.code !== 'fenced') throw fault;
        throw new SkewlessError('log_unavailable', fault.message, { retryable: true, cause: error });
      }
    },
    async openTransfer(options) {
      const work = await client.call(options.topic, () => transactions.begin(options));
      return {
        position: () => work.offset(),
        async append(topic, records, nextPosition) {
          const placed = await place(topic, records, 'murmur2');
          const pieces = piecesOf(placed, client.bounds.produceBytesMax);
          await client.call(options.topic, () => work.commit(messagesOf(topic, pieces), nextPosition));
        },
        close: () => work.close(),
      };
    },
    async progressOf(topic, id) {
      // Kafka is not asked for offsets of a topic that it does not have.
      if ((await topics.offsets(topic)) === null) return 0;
      return client.call(topic, async () => (await transactions.offset(progressWork(topic, id))) ?? 0);
    },
    async close() {
      await transactions.close();
      const connected = await connecting?.catch(() => null);
      if (connected) await within(connected.disconnect(), client.bounds.connectMs).catch(() => undefined);
    },
  };

  async function appendWithProgress(
    topic: string,
    placed: readonly Placed[],
    { id, from, done }: AppendProgress,
  ): Promise<readonly AppendedAt[]> {
    const moved = (why: string): SkewlessError => new SkewlessError('progress_moved', `topic ${topic}: ${id} ${why}`);
    try {
      return await client.call(topic, async () => {
        const transaction = await transactions.open(progressWork(topic, id));
        const stored = (await transaction.offset()) ?? 0;
        if (stored !== from) throw moved(`is at ${stored}, and not at ${from}`);
        const pieces = piecesOf(placed, client.bounds.produceBytesMax);
        const sent = await transaction.commit(messagesOf(topic, pieces), done);
        return pieces.flatMap((piece, index) => placesOf(piece, sent[index] ?? []));
      });
    } catch (error) {
      const fault = kafkaFault(error, topic);
      throw fault.code === 'fenced' ? moved('is done by somebody else, too') : fault;
    }
  }
}

interface Placed {
  readonly partition: number;
  readonly message: Message;
  readonly bytes: number;
}

function progressWork(topic: string, id: string) {
  return { id: `skewless-progress/${topic}/${id}`, group: `skewless-progress/${topic}/${id}`, topic, partition: 0 };
}

export function messageOf(record: AppendRecord, partition: number, nowMs: number): Message {
  const { key, value, headers, timestampMs } = record;
  return {
    key: key === null ? null : bufferOf(key),
    value: value === null ? null : bufferOf(value),
    partition,
    timestamp: String(timestampMs ?? nowMs),
    ...(headers === undefined ? {} : { headers: headersOf(headers) }),
  };
}

function headersOf(headers: RecordHeaders): IHeaders {
  return Object.fromEntries(Object.entries(headers).map(([name, bytes]) => [name, bufferOf(bytes)]));
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Of a record's frame, and of one header's, as a guess that is rather too high. */
const FRAME_BYTES = 128;
const HEADER_FRAME_BYTES = 10;

function bytesOf({ key, value, headers = {} }: AppendRecord): number {
  let bytes = (key?.length ?? 0) + (value?.length ?? 0) + FRAME_BYTES;
  for (const name in headers) bytes += Buffer.byteLength(name) + (headers[name]?.length ?? 0) + HEADER_FRAME_BYTES;
  return bytes;
}

/** Requests small enough for any broker's limit, in the order given. */
function piecesOf(placed: readonly Placed[], bytesMax: number): Placed[][] {
  const pieces: Placed[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const each of placed) {
    if (bytes + each.bytes > bytesMax) {
      pieces.push([]);
      bytes = 0;
    }
    pieces.at(-1)?.push(each);
    bytes += each.bytes;
  }
  return pieces;
}

function messagesOf(topic: string, pieces: readonly (readonly Placed[])[]) {
  return pieces.map((piece) => ({ topic, messages: piece.map(({ message }) => message) }));
}

/** Kafka answers the first offset of each partition's part; the others follow it. */
function placesOf(placed: readonly Placed[], sent: readonly RecordMetadata[]): AppendedAt[] {
  const next = new Map(sent.map(({ partition, baseOffset }) => [partition, Number(baseOffset)]));
  return placed.map(({ partition }) => {
    const offset = next.get(partition) ?? Number.NaN;
    next.set(partition, offset + 1);
    return { partition, offset };
  });
}
