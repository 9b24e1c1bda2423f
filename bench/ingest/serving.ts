/**
 * From produce to served, at a steady rate. One process materializes, another one serves, as `skewless start` runs them.
 * Every tenth of a second one event of the stream is a mark: it is of one known card, and its `sequence` is greater than that of
 * all before. Its time runs from just before kafkajs is asked to send it until the first answer over HTTP, asked for over
 * and over without `after`, that says so. So it holds the producer's request with `acks=all`, the fetch, the
 * commit, the read and up to one round of asking: what a caller would see who asks all the time.
 */
import { type Child, startChild } from '../../test/services/child.ts';
import { setTimeout as delay } from 'node:timers/promises';
import { join } from 'node:path';
import type { Producer } from 'kafkajs';
import { percentile } from './percentile.ts';
import { type ReaderFigures, readStates } from './reader.ts';
import type { World } from './throughput.ts';
import { createTopic, messageOf } from './topic.ts';
import { createPayments, writeServedDefinitions } from './workload.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const NAMESPACE = 'served';
const TOPIC = 'payments-steady';
export const STEADY_EVENTS_PER_SECOND = 2_000;
const TICK_MS = 10;
const MARK_TICKS = 10;
const MARKED_CARD = 'card-marked';
const WARM_UP_MARKS = 30;
const ASK_MS = 1;
const START_MS = 60_000;

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
  const children: Child[] = [];
  try {
    const [, url] = await Promise.all(
      ['materialize', 'serve'].map((role) => start(world, role, definitions, children)),
    );
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
    for (const child of children) await child.stop();
    await close();
  }
}

/** Answers where it listens. */
async function start(world: World, role: string, definitions: string, children: Child[]): Promise<string> {
  const args = [MAIN, 'start', '--role', role, '--port', '0', '--definitions', definitions, '--log-level', 'warn'];
  args.push('--log', `kafka://${world.brokers.join(',')}`, '--store', world.redis.url, '--namespace', NAMESPACE);
  const child = startChild(process.execPath, args);
  children.push(child);
  for (const deadlineMs = performance.now() + START_MS; performance.now() < deadlineMs; await delay(50)) {
    const url = /listens on (\S+)/.exec(child.output())?.[1];
    if (url !== undefined) return url;
    if (!child.running()) break;
  }
  throw new Error(`${role} did not start: ${child.output()}`);
}

/** Sends what is due every few ms, without waiting for the answers of sends before; answers the rate that was reached. */
async function produceSteadily(producer: Producer, seconds: number, marks: Mark[]): Promise<number> {
  const next = createPayments();
  const startedMs = performance.now();
  const sends: Promise<unknown>[] = [];
  let sent = 0;
  for (let tick = 1; tick <= (seconds * 1_000) / TICK_MS; tick++) {
    await delay(Math.max(0, startedMs + tick * TICK_MS - performance.now()));
    const due = Math.floor((tick * TICK_MS * STEADY_EVENTS_PER_SECOND) / 1_000) - sent;
    const isMarked = tick % MARK_TICKS === 0;
    const messages = Array.from({ length: due }, (_none, index) => {
      const payment = next(Date.now(), sent + index + 1);
      return messageOf(isMarked && index === due - 1 ? { ...payment, card: MARKED_CARD } : payment);
    });
    sent += due;
    if (isMarked) marks.push({ sequence: sent, sentMs: performance.now() });
    sends.push(producer.send({ topic: TOPIC, acks: -1, messages }));
  }
  await Promise.all(sends);
  return sent / ((performance.now() - startedMs) / 1e3);
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
