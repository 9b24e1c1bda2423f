/**
 * Records and an offset in one transaction. The transactional id names the work: opening it fences whoever did it before.
 * An offset is asked for only once the former holder's last transaction is complete; as a group may still answer the
 * offset before it for some milliseconds, it is asked until two answers agree.
 */
import { setTimeout as delay } from 'node:timers/promises';
import kafkajs, { type Producer, type RecordMetadata, type TopicMessages } from 'kafkajs';
import { type KafkaClient, kafkaFault } from './kafka-client.ts';
import { within } from './kafka-time.ts';

export interface Work {
  /** The transactional id. */
  readonly id: string;
  /** Of the offset that says how far the work has come. */
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
}

export interface OpenWork {
  /** As of the last commit; null: never one. */
  offset(): Promise<number | null>;
  /** All of it or nothing, in as many requests as there are pieces. Rejects with `fenced` once another has opened the work. */
  commit(pieces: readonly TopicMessages[], offset: number): Promise<readonly (readonly RecordMetadata[])[]>;
  close(): Promise<void>;
}

export interface Transactions {
  /** Kept: the same one each time, until a commit fails. */
  open(work: Work): Promise<OpenWork>;
  /** Anew: fences whoever had it, in this process too. */
  begin(work: Work): Promise<OpenWork>;
  offset(work: Work): Promise<number | null>;
  close(): Promise<void>;
}

const SETTLE_ATTEMPTS_MAX = 20;

export function createTransactions(client: KafkaClient): Transactions {
  const opened = new Map<string, Promise<OpenWork>>();

  async function offset({ group, topic, partition }: Work): Promise<number | null> {
    const answers = await client.withAdmin(topic, (admin) => admin.fetchOffsets({ groupId: group, topics: [topic] }));
    const found = answers[0]?.partitions.find((each) => each.partition === partition);
    return found === undefined || Number(found.offset) < 0 ? null : Number(found.offset);
  }

  async function settledOffset(work: Work): Promise<number | null> {
    let before = await offset(work);
    for (let attempt = 0; attempt < SETTLE_ATTEMPTS_MAX; attempt++) {
      await delay(client.bounds.offsetSettleMs);
      const now = await offset(work);
      if (now === before) break;
      before = now;
    }
    return before;
  }

  async function begin(work: Work): Promise<OpenWork> {
    const producer = client.kafka.producer({
      transactionalId: work.id,
      transactionTimeout: client.bounds.transactionMs,
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    });
    await producer.connect();
    // The first transaction fences: kafkajs asks for its producer id only then. Without records it costs no more.
    await (await producer.transaction()).abort();
    let stored = await settledOffset(work);
    return {
      offset: () => Promise.resolve(stored),
      async commit(pieces, next) {
        try {
          const sent = await commitOnce(producer, work, pieces, next);
          stored = next;
          return sent;
        } catch (error) {
          // Whether it was committed is unknown: the work is opened again, and asks.
          await forget(work);
          throw kafkaFault(error, work.topic);
        }
      },
      close: () => within(producer.disconnect(), client.bounds.connectMs).catch(() => undefined),
    };
  }

  async function forget({ id }: Work): Promise<void> {
    const former = opened.get(id);
    opened.delete(id);
    await (await former?.catch(() => null))?.close();
  }

  return {
    open(work) {
      const known = opened.get(work.id);
      if (known !== undefined) return known;
      const opening = begin(work);
      opened.set(work.id, opening);
      opening.catch(() => opened.delete(work.id));
      return opening;
    },
    begin,
    async offset(work) {
      const known = await opened.get(work.id)?.catch(() => null);
      return known ? known.offset() : settledOffset(work);
    },
    async close() {
      for (const each of opened.values()) await (await each.catch(() => null))?.close();
      opened.clear();
    },
  };
}

async function commitOnce(
  producer: Producer,
  { group, topic, partition }: Work,
  pieces: readonly TopicMessages[],
  next: number,
): Promise<readonly (readonly RecordMetadata[])[]> {
  const transaction = await producer.transaction();
  try {
    const sent: RecordMetadata[][] = [];
    for (const piece of pieces) sent.push(await transaction.send({ acks: -1, ...piece }));
    await transaction.sendOffsets({
      consumerGroupId: group,
      topics: [{ topic, partitions: [{ partition, offset: String(next) }] }],
    });
    await transaction.commit();
    return sent;
  } catch (error) {
    await transaction.abort().catch(() => undefined);
    throw error;
  }
}
