/**
 * One seeded life of a tier: writers commit, requests come, and misfortunes happen. Each answer is judged by what the store
 * is known to have held: `live` throws at the first that is older than the bound, mixes moments, or is not what the prefix it
 * names gives.
 */
import { type Tier, type TierReport, createTier } from '../../src/cache/tier.ts';
import {
  type EntityRef,
  type PlannedShard,
  type ShardOutcome,
  readSeated,
  readShards,
  shardText,
} from '../../src/serve/shard-reads.ts';
import type { ShardId } from '../../src/store/store.ts';
import { type Random, createRandom } from '../simulation/random.ts';
import { type Schedule, createSchedule } from './schedule.ts';
import {
  ENTITIES,
  FINGERPRINTS,
  type SimStore,
  type Spot,
  createSimStore,
  decode,
  nameOf,
  stateAt,
  textOf,
} from './sim-store.ts';

export const STALENESS_MS = 400;
const LIFE_MS = 6_000;
const SHARDS: readonly ShardId[] = [0, 1].map((partition) => ({ source: 's', entityKey: 'k', partition }));

export interface LifeOptions {
  readonly misfortunes?: readonly Misfortune[];
  /** Runs without checkpoint reads. */
  readonly unchecked?: boolean;
  /** Sections of one commit are told one by one. */
  readonly split?: boolean;
  readonly bytesMax?: number;
}

export interface Life {
  readonly answers: number;
  readonly withheld: number;
  /** Answers of what sat at its places, without a look-up. */
  readonly seated: number;
  readonly report: TierReport;
}

interface World {
  readonly schedule: Schedule;
  readonly random: Random;
  readonly store: SimStore;
  readonly tier: Tier;
  /** Where entities were asked for. */
  readonly places: Map<string, EntityRef>;
}

type Tally = { -readonly [Name in 'answers' | 'withheld' | 'seated']: Life[Name] };

export type Misfortune = keyof typeof MISFORTUNES;

/** Each begins something, and ends it by itself. */
export const MISFORTUNES = {
  lost: ({ store }: World, forMs: number, later: Later) => {
    store.weather.lost = 0.5;
    later(forMs, () => void (store.weather.lost = 0));
  },
  doubled: ({ store }: World, forMs: number, later: Later) => {
    store.weather.doubled = 0.5;
    later(forMs, () => void (store.weather.doubled = 0));
  },
  disordered: ({ store }: World, forMs: number, later: Later) => {
    store.weather.disordered = 0.5;
    store.weather.messageMs = 60;
    later(forMs, () => void (store.weather.disordered = 0));
  },
  /** Messages hang, and come all at once in the end, without a word of it. */
  stalled: ({ store, schedule }: World, forMs: number) => {
    store.weather.stalledUntilMs = schedule.nowMs() + forMs * 3;
  },
  disconnected: ({ store }: World, forMs: number, later: Later) => {
    store.weather.connected = false;
    later(forMs, () => {
      store.weather.connected = true;
      for (const shard of SHARDS) store.begin(shard);
    });
  },
  readsFail: ({ store }: World, forMs: number, later: Later) => {
    store.weather.readsFail = true;
    later(forMs, () => void (store.weather.readsFail = false));
  },
  slowReads: ({ store }: World, forMs: number, later: Later) => {
    store.weather.readMs = 120;
    later(forMs, () => void (store.weather.readMs = 8));
  },
  /** As after a failover: an older moment, and nobody tells. */
  fellBack: ({ store, random }: World) => {
    const shard = random.pick(SHARDS);
    const older = store.stays(shard).slice(-6, -1);
    if (older.length > 0) store.moveTo(shard, random.pick(older).spots, true);
  },
  /** Another build over a shorter history, at the same position or from its beginning. */
  rebuilt: ({ store, random }: World) => {
    const shard = random.pick(SHARDS);
    const spots = store.stays(shard).at(-1)?.spots ?? {};
    const next = Object.fromEntries(
      FINGERPRINTS.map((fingerprint) => {
        const { position = 0, build = 0 } = spots[fingerprint] ?? {};
        return [
          fingerprint,
          { position: random.chance(0.5) ? Math.max(position, build + 1) : build + 1, build: build + 1 },
        ];
      }),
    );
    store.moveTo(shard, next, random.chance(0.3));
  },
  /** Everything is gone, as in a store that came back empty. */
  emptied: ({ store, random }: World) => store.moveTo(random.pick(SHARDS), { f: null, g: null }, true),
} as const satisfies Record<string, (world: World, forMs: number, later: Later) => void>;

type Later = (ms: number, happen: () => void) => void;

export async function live(seed: number, options: LifeOptions = {}): Promise<Life> {
  const random = createRandom(seed);
  const schedule = createSchedule();
  const store = createSimStore(schedule, random);
  store.weather.split = options.split === true;
  const tier = createTier({
    store,
    decode,
    clock: schedule,
    stalenessMs: STALENESS_MS,
    ...(options.bytesMax === undefined ? {} : { bytesMax: options.bytesMax }),
  });
  const world: World = { schedule, random, store, tier, places: new Map() };
  const tally: Tally = { answers: 0, withheld: 0, seated: 0 };
  const faults: unknown[] = [];
  const startMs = schedule.nowMs();
  const endMs = startMs + LIFE_MS;
  const later: Later = (ms, happen) => schedule.at(schedule.nowMs() + ms, happen);
  const repeat = (meanMs: number, happen: () => void): void => {
    const next = (): void => later(1 + random.below(2 * meanMs), () => (happen(), next()));
    next();
  };
  for (const shard of SHARDS) repeat(25, () => write(world, shard));
  repeat(6, () => {
    ask(world, tally).catch((error: unknown) => faults.push(error));
  });
  const misfortunes = options.misfortunes ?? [];
  if (misfortunes.length > 0) {
    repeat(200, () => MISFORTUNES[random.pick(misfortunes)](world, 50 + random.below(STALENESS_MS * 2), later));
  }
  if (options.unchecked !== true) {
    const check = (): void => later(STALENESS_MS / 2, () => (void tier.check(), check()));
    check();
  }
  for (let ms = startMs; ms < endMs && faults.length === 0; ms += 50) await schedule.runUntil(ms);
  if (faults.length > 0) throw faults[0];
  const report = tier.report();
  await tier.close();
  return { ...tally, report };
}

/** Mostly one commit for both fingerprints; a deployment apart commits one of them. Now and then an owner only says that it lives. */
function write({ store, random }: World, shard: ShardId): void {
  const spots = store.stays(shard).at(-1)?.spots ?? {};
  const some = random.chance(0.8) ? FINGERPRINTS : [random.pick(FINGERPRINTS)];
  const idle = random.chance(0.15);
  const next = some.map((fingerprint): [string, Spot] => {
    const { position = 0, build = 0 } = spots[fingerprint] ?? {};
    return [fingerprint, { position: position + (idle ? 0 : 1 + random.below(3)), build }];
  });
  store.moveTo(shard, Object.fromEntries(next));
}

async function ask(world: World, tally: Tally) {
  const { tier, store, random, schedule } = world;
  const shards = new Map<string, PlannedShard>();
  for (const id of random.chance(0.3) ? SHARDS : [random.pick(SHARDS)]) {
    const fingerprints = random.chance(0.6) ? FINGERPRINTS : [random.pick(FINGERPRINTS)];
    const entities = (): Set<string> => new Set(Array.from({ length: random.below(4) }, () => random.pick(ENTITIES)));
    shards.set(shardText(id), { id, entities: new Map(fingerprints.map((fingerprint) => [fingerprint, entities()])) });
  }
  const beganMs = schedule.nowMs();
  const how = random.chance(0.05) ? 'anew' : 'shared';
  const limits = { readLimitMs: 60_000, budgetLeftMs: Number.POSITIVE_INFINITY };
  if (how === 'shared' && askSeated(world, shards)) tally.seated++;
  const outcomes = await readShards(tier, shards, limits, how);
  sitDown(world, shards, outcomes);
  for (const [text, { id, entities }] of shards) {
    const outcome = outcomes.get(text);
    if (outcome?.kind !== 'read' || outcome.lacks !== null) tally.withheld++;
    if (outcome?.kind === 'read')
      judge(store, id, entities, outcome, how === 'anew' ? beganMs : beganMs - STALENESS_MS, beganMs);
    tally.answers++;
  }
}

/** The same question, to those that sit: they are judged like all others. */
function askSeated(world: World, shards: ReadonlyMap<string, PlannedShard>): boolean {
  const { tier, store, schedule } = world;
  const refs = [...shards.values()].flatMap((planned) => placesOf(world, planned));
  const kept = readSeated(tier, refs);
  if (kept === null || refs.length === 0) return false;
  for (const [text, outcome] of kept.outcomes) {
    if (outcome.kind !== 'read') throw new Error(`${text} was not read`);
    const entities = new Map<string, Set<string>>();
    const sections = new Map(outcome.sections);
    for (const [at, { shard, fingerprint, entity }] of refs.entries()) {
      const entry = kept.entries[at];
      if (shard !== text || !entry) continue;
      entities.set(fingerprint, (entities.get(fingerprint) ?? new Set()).add(entity));
      const { checkpoint = null, states = new Map() } = sections.get(fingerprint) ?? {};
      sections.set(fingerprint, { checkpoint, states: new Map([...states, [entity, entry]]) });
    }
    const nowMs = schedule.nowMs();
    judge(store, outcome.id, entities, { ...outcome, sections }, nowMs - STALENESS_MS, nowMs);
  }
  return true;
}

function sitDown(
  world: World,
  shards: ReadonlyMap<string, PlannedShard>,
  outcomes: ReadonlyMap<string, ShardOutcome>,
): void {
  for (const [text, planned] of shards) {
    const outcome = outcomes.get(text);
    if (outcome?.kind !== 'read') continue;
    for (const ref of placesOf(world, planned)) {
      const entry = outcome.sections.get(ref.fingerprint)?.states.get(ref.entity);
      if (entry?.kind === 'state') entry.sit(ref);
    }
  }
}

function placesOf({ places }: World, { id, entities }: PlannedShard): readonly EntityRef[] {
  return [...entities].flatMap(([fingerprint, some]) =>
    [...some].map((entity) => {
      const name = `${shardText(id)} ${fingerprint} ${entity}`;
      const ref = places.get(name) ?? { id, shard: shardText(id), fingerprint, entity, isSampled: false, entry: null };
      places.set(name, ref);
      return ref;
    }),
  );
}

function judge(
  store: SimStore,
  id: ShardId,
  entities: PlannedShard['entities'],
  outcome: ShardOutcome & { kind: 'read' },
  sinceMs: number,
  beganMs: number,
): void {
  const spots = new Map<string, Spot | null>();
  for (const [fingerprint, wanted] of entities) {
    const section = outcome.sections.get(fingerprint);
    if (section === undefined) throw new Error(`${nameOf(id)} ${fingerprint} was not answered`);
    const { checkpoint, states } = section;
    const spot = checkpoint && { position: checkpoint.position[0] ?? 0, build: checkpoint.buildStartedMs };
    spots.set(fingerprint, spot);
    for (const entity of wanted) {
      const entry = states.get(entity);
      if (entry === undefined) {
        if (outcome.lacks === null) throw new Error(`${entity} was not answered, and nobody says why`);
        continue;
      }
      const found = entry.kind === 'state' ? textOf(entry.state) : 'corrupt';
      const expected = spot === null ? null : stateAt(id.partition, fingerprint, spot, entity);
      if (found !== expected) {
        throw new Error(`inexact: ${fingerprint} ${entity} at ${JSON.stringify(spot)} is ${expected}, served ${found}`);
      }
    }
  }
  const there = store.stays(id).filter((stay) => [...spots].every(([name, spot]) => isSame(stay.spots[name], spot)));
  if (there.length === 0) throw new Error(`mixed: the store never was at ${JSON.stringify([...spots])}`);
  const untilMs = Math.max(...there.map((stay) => stay.untilMs));
  if (untilMs < sinceMs) throw new Error(`too old by ${sinceMs - untilMs} ms: ${JSON.stringify([...spots])}`);
  const toldMs = store.toldMs(id);
  if (toldMs <= beganMs && untilMs < toldMs) {
    throw new Error(`from before the interruption that was told of, by ${toldMs - untilMs} ms`);
  }
}

function isSame(one: Spot | null | undefined, other: Spot | null): boolean {
  return one === other || (one?.position === other?.position && one?.build === other?.build);
}
