/** Topics of the benchmark, filled by kafkajs. */
import kafkajs, { type Message, type Producer } from 'kafkajs';
import { PARTITIONS, type Payment, SPAN_MS, createPayments } from './workload.ts';

const SEND_EVENTS = 5_000;

/** Fills a topic, closed when it resolves: event time passes as append time does, until now, `events` in every 8 days. */
export async function fillTopic(
  brokers: readonly string[],
  topic: string,
  events: number,
  spans: number,
): Promise<void> {
  const { producer, close } = await createTopic(brokers, topic);
  const next = createPayments();
  const count = events * spans;
  const startMs = Date.now() - SPAN_MS * spans;
  for (let from = 0; from < count; from += SEND_EVENTS) {
    const messages = Array.from({ length: Math.min(SEND_EVENTS, count - from) }, (_none, index) =>
      messageOf(next(Math.floor(startMs + (SPAN_MS * (from + index)) / events), 0)),
    );
    await producer.send({ topic, messages });
  }
  await close();
}

export interface TopicProducer {
  readonly producer: Producer;
  close(): Promise<void>;
}

/** An empty topic and a producer for it. */
export async function createTopic(brokers: readonly string[], topic: string): Promise<TopicProducer> {
  const admin = clientOf(brokers).admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: PARTITIONS }], waitForLeaders: true });
  await admin.disconnect();
  return connectProducer(brokers);
}

export async function connectProducer(brokers: readonly string[]): Promise<TopicProducer> {
  const producer = clientOf(brokers).producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  return { producer, close: () => producer.disconnect() };
}

function clientOf(brokers: readonly string[]): kafkajs.Kafka {
  return new kafkajs.Kafka({ brokers: [...brokers], logLevel: kafkajs.logLevel.NOTHING });
}

export function messageOf(payment: Payment): Message {
  return { key: payment.card, value: JSON.stringify(payment), timestamp: String(payment.at) };
}
