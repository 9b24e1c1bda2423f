/** The servers that warm and cold runs go to, each checked before it is measured. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { knowsFlag, listening } from '../program.ts';
import { startChild } from '../../test/services/child.ts';
import { type Answer, expectedOf, post, vectorsUrl, verify } from './answers.ts';
import { type BaselineConfig, PACKED_PREFIX } from './baseline.ts';
import { ON_SERVER_CORE } from './cores.ts';
import type { Server } from './generator.ts';
import { type Body, ROWS, bodiesOf, withAmounts } from './requests.ts';
import { FEATURES, SERVICES, type ServiceName } from './workload.ts';
import type { World } from './world.ts';

const BASELINE = join(import.meta.dirname, 'baseline.ts');
const TIER_FLAG = '--staleness';
const VERIFIED_ROWS = 100;
const WARM_CARDS_STEP = 10;
const TYPICAL_OF = 25;

/** Whether this version has an LRU tier; where it has none, warm and cold are one. */
export function hasTier(): Promise<boolean> {
  return knowsFlag(TIER_FLAG);
}

/** As shipped. */
export function serveWarm(world: World): Promise<Server> {
  return serveVerified(world, []);
}

/** Without the tier. */
export async function serveCold(world: World): Promise<Server> {
  return serveVerified(world, (await hasTier()) ? [TIER_FLAG, '0'] : []);
}

async function serveVerified(world: World, flags: readonly string[]): Promise<Server> {
  const server = await world.serve(flags);
  for (const service of SERVICES) await verifyAll(server, world.states, service);
  return server;
}

/** Twice over all cards: read from the store, and from memory. */
export async function verifyAll({ url }: Server, states: World['states'], service: ServiceName): Promise<void> {
  const cards = [...states.keys()];
  const plain = Array.from({ length: Math.ceil(cards.length / VERIFIED_ROWS) }, (_none, index): Body => {
    const some = cards.slice(index * VERIFIED_ROWS, (index + 1) * VERIFIED_ROWS);
    return { entities: some.map((card) => ({ card })) };
  });
  const bodies = service === 'spend' ? plain : withAmounts(plain);
  const { features } = JSON.parse(await post(vectorsUrl(url, service), bodies[0])) as Answer;
  const expected = expectedOf(service, states, features);
  for (let time = 0; time < 2; time++) await verify(vectorsUrl(url, service), bodies, expected);
}

/** A thousand cards, every tenth by rank: as many of each kind of state as there are. */
export function warmBodies({ states }: World, rows: number): readonly Body[] {
  const cards = [...states.values()].toSorted((one, other) => other.events - one.events).map(({ card }) => card);
  const some = cards.filter((_card, index) => index % WARM_CARDS_STEP === 0);
  return bodiesOf(some, rows, rows);
}

export function constantUrl(baseline: Server, service: ServiceName, rows: number): string {
  return `${baseline.url}/constant/${service}-${rows}`;
}

/** The hand-written server: its constant answers are some of `ours`, and Redis gets the packed values. */
export async function serveBaseline(world: World, ours: Server): Promise<Server> {
  const constants: Record<string, string> = {};
  for (const rows of ROWS) {
    const bodies = warmBodies(world, rows);
    constants[`spend-${rows}`] = await typicalAnswer(vectorsUrl(ours.url, 'spend'), bodies);
    constants[`spend_compared-${rows}`] = await typicalAnswer(
      vectorsUrl(ours.url, 'spend_compared'),
      withAmounts(bodies),
    );
  }
  const { vectors: _vectors, ...head } = JSON.parse(constants['spend-1'] ?? '') as Answer;
  await storePacked(world, Date.parse(head.as_of));
  const config: BaselineConfig = { redisUrl: world.redis.url, constants, head: { ...head } };
  const file = join(world.makeFolder('baseline'), 'config.json');
  writeFileSync(file, JSON.stringify(config));
  const [taskset = '', ...pin] = ON_SERVER_CORE;
  const child = startChild(taskset, [...pin, process.execPath, BASELINE, '--config', file]);
  world.onClose(() => child.stop());
  const url = await listening('the baseline', child);
  const bodies = bodiesOf([...world.states.keys()], VERIFIED_ROWS, 1);
  await verify(`${url}/packed`, bodies, expectedOf('spend', world.states, head.features));
  return { url, pid: child.pid };
}

/** Of some answers, the one of median length. */
async function typicalAnswer(url: string, bodies: readonly Body[]): Promise<string> {
  const answers: string[] = [];
  for (const body of bodies.slice(0, TYPICAL_OF)) answers.push(await post(url, body));
  return answers.toSorted((one, other) => one.length - other.length)[answers.length >> 1] ?? '';
}

async function storePacked({ redis, states }: World, asOfMs: number): Promise<void> {
  const client = new Redis(redis.url);
  for (const state of states.values()) {
    const values = Float64Array.from(state.valuesAt(asOfMs), (value) => value ?? Number.NaN);
    if (values.length !== FEATURES) throw new Error(`${values.length} features, not ${FEATURES}`);
    await client.set(PACKED_PREFIX + state.card, Buffer.from(values.buffer));
  }
  client.disconnect();
}
