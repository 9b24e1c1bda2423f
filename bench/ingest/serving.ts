/**
 * From produce to served, at a steady rate. One process materializes, another one serves, as `skewless start` runs them.
 * Every tenth of a second one event of the stream is a mark: it is of one known card, and its `sequence` is greater than that of
 * all before. Its time runs from just before kafkajs is asked to send it until the first answer over HTTP, asked for over
 * and over without `after`, that says so. So it holds the producer's request with `acks=all`, the fetch, the
 * commit, the read and up to one round of asking: what a caller would see who asks all the time.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Producer } from 'kafkajs';
import { type Program, startProgram } from '../program.ts';
import { sendSteadily } from '../steady.ts';
import { percentile } from './percentile.ts';
import { type ReaderFigures, readStates } from './reader.ts';
import type { World } from './throughput.ts';
import { createTopic, messageOf } from './topic.ts';
import { createPayments, writeServedDefinitions } from './workload.ts';

const NAMESPACE = 'served';
const TOPIC = 'payments-steady';
export const STEADY_EVENTS_PER_SECOND = 2_000;
const MARK_TICKS = 10;
const MARKED_CARD = 'card-marked';
const WARM_UP_MARKS = 30;
const ASK_MS = 1;

export interface ServingFigures {
  readonly marks: number;
  readonly sent_events_per_second: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
  readonly reader: ReaderFigures;
}

interface Mark {
  readonly sequence: number;
  readonly sentMs: number;
}

export async function benchServing(world: World, seconds: number): Promise<ServingFigures> {
  const { producer, close } = await createTopic(world.brokers, TOPIC);
  const definitions = writeServedDefinitions(TOPIC);
  const programs: Program[] = [];
  try {
    for (const role of ['materialize', 'serve'] as const) {
      const where = { brokers: world.brokers, redisUrl: world.redis.url, namespace: NAMESPACE };
      programs.push(await startProgram({ ...where, role, definitions }));
    }
    const url = programs.at(-1)?.url ?? '';
    const marks: Mark[] = [];
    const producing = produceSteadily(producer, seconds, marks);
    const reading = readStates(world.redis.url, producing);
    const served = await watch(`${url}/v1/feature-services/newest/vectors?card=${MARKED_CARD}`, marks, producing);
    const times = served.slice(WARM_UP_MARKS);
    return {
      marks: times.length,
      sent_events_per_second: await producing,
      p50_ms: percentile(times, 0.5),
      p99_ms: percentile(times, 0.99),
      reader: await reading,
    };
  } finally {
    for (const program of programs) await program.stop();
    await close();
  }
}

/** Answers the rate that was reached. */
async function produceSteadily(producer: Producer, seconds: number, marks: Mark[]): Promise<number> {
  const next = createPayments();
  return sendSteadily(STEADY_EVENTS_PER_SECOND, AbortSignal.timeout(seconds * 1_000), ({ count, sent, tick }) => {
    const isMarked = tick % MARK_TICKS === 0;
    const messages = Array.from({ length: count }, (_none, index) => {
      const payment = next(Date.now(), sent + index + 1);
      return messageOf(isMarked && index === count - 1 ? { ...payment, card: MARKED_CARD } : payment);
    });
    if (isMarked) marks.push({ sequence: sent + count, sentMs: performance.now() });
    return producer.send({ topic: TOPIC, acks: -1, messages });
  });
}

/** Ms until each mark was served, in their order. Ends when all are, once nothing is produced any more. */
async function watch(url: string, marks: readonly Mark[], producing: Promise<unknown>): Promise<readonly number[]> {
  const over = new AbortController();
  const stop = (): void => over.abort();
  void producing.then(stop, stop);
  const times: number[] = [];
  while (!over.signal.aborted || times.length < marks.length) {
    const response = await fetch(url);
    const answer = (await response.json()) as {
      readonly vectors?: readonly { readonly values?: readonly unknown[] }[];
    };
    const sequence = answer.vectors?.[0]?.values?.[0];
    const nowMs = performance.now();
    if (typeof sequence === 'number') {
      for (
        let mark = marks[times.length];
        mark !== undefined && mark.sequence <= sequence;
        mark = marks[times.length]
      ) {
        times.push(nowMs - mark.sentMs);
      }
    }
    await delay(ASK_MS);
  }
  await producing;
  return times;
}
