/**
 * Reads beside writes. The materializer folds a steady stream meanwhile, by the same law as the topic, so that hot cards are
 * written most. Each run goes over the beginning of a minute. `warm`: hot cards alone, and nothing is written. `mixed`: four
 * rows in five are of hot cards. `fraud`: most cards are cold or were never asked for, each row brings a request input, and
 * a feature depends on time alone. Afterwards every value that is served must be what the states then evaluate to.
 */
import { until } from '../../test/services/child.ts';
import { connectProducer, messageOf } from '../ingest/topic.ts';
import { createPayments } from '../ingest/workload.ts';
import { sendSteadily } from '../steady.ts';
import { vectorsUrl } from './answers.ts';
import { type HitRate, hitRates, readCacheCounters } from './cache.ts';
import { verifyAll } from './contestants.ts';
import type { Contestant, LoadFigures, Server } from './generator.ts';
import { timedLoad, untilMinuteWithin } from './interleave.ts';
import { mixedBodies, withAmounts } from './requests.ts';
import { denseOf } from './states.ts';
import { TOPIC, type ServiceName } from './workload.ts';
import type { World } from './world.ts';

export const EVENTS_PER_SECOND = 500;
export const MIXED_ROWS = 10;
const HOT_SHARE = 0.8;
/** Of the fraud-like rows: a fifth are of hot cards, and of the others every second one is of a card that nobody has seen. */
const FRAUD_HOT_SHARE = 0.2;
/** In a card's name it becomes a number that was not there before (wrk.lua). */
const FRESH_NUMBER = '#########';
const BODIES = 5_000;
const WARM_UP_SECONDS = 2;
const FOLLOW_MS = 30_000;

export interface MixedRun extends LoadFigures {
  readonly crossed_minute: boolean;
  readonly hit_rates: readonly HitRate[];
  /** What was reached; 0 where nothing was to be written. */
  readonly events_per_second: number;
}

export interface MixedFigures {
  readonly warm: MixedRun;
  readonly mixed: MixedRun;
  readonly fraud: MixedRun;
  /** Of the 99th percentiles. */
  readonly mixed_over_warm: number;
}

export async function benchMixed(world: World, ours: Server, seconds: number): Promise<MixedFigures> {
  const hot = denseOf(world.states).map(({ card }) => card);
  const isHot = new Set(hot);
  const cold = [...world.states.keys()].filter((card) => !isHot.has(card));
  const size = { rows: MIXED_ROWS, bodies: BODIES, seed: 1 };
  const contestant = (service: ServiceName, bodies: readonly unknown[]): Contestant => ({
    server: ours,
    url: vectorsUrl(ours.url, service),
    bodiesFile: world.writeBodies(bodies),
  });
  const warm = contestant('spend', mixedBodies({ hot, cold, hotShare: 1 }, size));
  const mixed = contestant('spend', mixedBodies({ hot, cold, hotShare: HOT_SHARE }, size));
  const fresh = cold.map(() => `unseen-${FRESH_NUMBER}`);
  const many = { hot, cold: [...cold, ...fresh], hotShare: FRAUD_HOT_SHARE };
  const fraud = contestant('fraud', withAmounts(mixedBodies(many, size)));
  const run = async (name: string, of: Contestant, eventsPerSecond: number): Promise<MixedRun> => {
    await timedLoad(of, WARM_UP_SECONDS);
    await untilMinuteWithin(seconds);
    const figures = await runBeside(world, { contestant: of, seconds, eventsPerSecond });
    world.say(`  ${name}: p99 ${figures.p99_ms.toFixed(2)} ms, ${Math.round(figures.requests_per_second)} requests/s`);
    return figures;
  };
  const figures = {
    warm: await run('warm', warm, 0),
    mixed: await run('mixed', mixed, EVENTS_PER_SECOND),
    fraud: await run('fraud-like', fraud, EVENTS_PER_SECOND),
  };
  const followed = async (): Promise<void> => verifyAll(ours, await world.readStates(), 'spend');
  await until('what was written is served', followed, FOLLOW_MS);
  return { ...figures, mixed_over_warm: figures.mixed.p99_ms / figures.warm.p99_ms };
}

interface Beside {
  readonly contestant: Contestant;
  readonly seconds: number;
  readonly eventsPerSecond: number;
}

async function runBeside(world: World, plan: Beside): Promise<MixedRun> {
  const { contestant, seconds, eventsPerSecond } = plan;
  const { url } = contestant.server;
  const before = await readCacheCounters(url);
  const over = new AbortController();
  const writing = eventsPerSecond === 0 ? Promise.resolve(0) : writePayments(world, eventsPerSecond, over.signal);
  try {
    const run = await timedLoad(contestant, seconds);
    over.abort();
    const reached = await writing;
    return { ...run, hit_rates: hitRates(before, await readCacheCounters(url)), events_per_second: reached };
  } finally {
    over.abort();
  }
}

async function writePayments({ brokers }: World, eventsPerSecond: number, over: AbortSignal): Promise<number> {
  const { producer, close } = await connectProducer(brokers);
  const next = createPayments();
  const reached = await sendSteadily(eventsPerSecond, over, ({ count }) => {
    const messages = Array.from({ length: count }, () => messageOf(next(Date.now(), 0)));
    return producer.send({ topic: TOPIC, acks: -1, messages });
  });
  await close();
  return reached;
}
