/**
 * One run of the simulation: processes, a log and a store live through misfortunes drawn from a seed; in the end the states
 * that are stored must be those of one clean pass over the log, bit for bit.
 */
import { concernedBy, eraseFrom } from '../../src/cli/erase-entity.ts';
import { partitionOf } from '../../src/log/partitioner.ts';
import { expect } from 'vitest';
import type { LogRecord } from '../../src/event/event.ts';
import { compileSourceDecoder } from '../../src/event/decode.ts';
import { type DeadLetter, deadLetterTopic } from '../../src/materialize/dead-letters.ts';
import type { Definitions } from '../../src/definition/definition.ts';
import { isControl } from './erased.ts';
import type { Materializer } from '../../src/materialize/materializer.ts';
import { createRandom, type Random } from './random.ts';
import {
  cleanPass,
  definitionsFor,
  randomRecords,
  recordsOfAll,
  SOURCE,
  sourceOf,
  type StatesByEntity,
  storedStates,
} from './workload.ts';
import type { Defect } from './defect.ts';
import { movedRecords } from './transit.ts';
import { createWorld, type Process, turns, type World } from './world.ts';

const SETTLE_MS = 30_000;
const REACH_TURNS = 400;
/** Few: each is waited for. */
const TWIN_RECORDS = 4;
/** What happened in all runs together. */
export const total: Record<string, number> = {};

function note(happenings: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(happenings)) total[name] = (total[name] ?? 0) + count;
}

/**
 * Waits until every lane of the process is live at the log's end, and the store agrees: a process may believe for a
 * while what a store has lost.
 */
async function settled(world: World, { materializer }: Process): Promise<void> {
  const ends = ((await world.log.ranges(SOURCE)) ?? []).map(({ endOffset }) => endOffset);
  /** What a lane of a repartitioned view has passed in the end. */
  const whole = ends.reduce((sum, end) => sum + end, 0);
  const isThere = (): boolean => {
    const views = materializer.status().sources.flatMap((source) => source.views);
    const lanes = views.flatMap(({ partitions }) => partitions);
    const checkpoints = [...world.store.lanes.values()].map(({ checkpoint }) => checkpoint);
    return (
      lanes.length === views.length * ends.length &&
      lanes.every(
        ({ state, position, partition }) => state === 'live' && (position === ends[partition] || position === whole),
      ) &&
      checkpoints.length === lanes.length &&
      checkpoints.every(({ position }) =>
        Object.entries(position).every(([partition, offset]) => offset === ends[Number(partition)]),
      )
    );
  };
  for (const deadline = performance.now() + SETTLE_MS; !isThere(); ) {
    if (world.violations.length > 0) throw new Error(world.violations.join('\n'));
    if (hasFailed(materializer)) throw new Error(JSON.stringify(materializer.status(), null, 2));
    if (performance.now() > deadline) throw new Error(JSON.stringify(materializer.status(), null, 2));
    world.advance(20);
    await turns(5);
  }
}

function hasFailed({ status }: Materializer): boolean {
  const { sources } = status();
  const lanes = sources.flatMap(({ views }) => views.flatMap(({ partitions }) => partitions));
  return lanes.some(({ state }) => state === 'failed') || sources.some(({ state }) => state.mode === 'failed');
}

/** Coordinates, with fingerprints, of every record that a view rejects. */
function expectedLetters(definitions: Definitions, records: readonly LogRecord[]): readonly string[] {
  const views = [...definitions.views.values()];
  const decoder = compileSourceDecoder(sourceOf(definitions), views);
  const letters = records
    .filter((record) => !isControl(record))
    .flatMap((record) =>
      decoder.decode(record).flatMap((outcome, index) => {
        const fingerprint = views[index]?.stateFingerprint ?? '';
        return outcome.kind === 'rejected'
          ? [`${record.partition}/${record.offset}/${outcome.code}/${fingerprint}`]
          : [];
      }),
    );
  return letters.toSorted();
}

function writtenLetters(world: World): readonly string[] {
  const topic = deadLetterTopic(SOURCE);
  const letters = world.log
    .records(topic)
    .filter((record) => !isControl(record))
    .flatMap(({ value }) => {
      const letter = JSON.parse(Buffer.from(value ?? []).toString('utf8')) as DeadLetter;
      return letter.rejections.flatMap(({ code, fingerprints }) =>
        fingerprints.map((fingerprint) => `${letter.partition}/${letter.offset}/${code}/${fingerprint}`),
      );
    });
  return letters.toSorted();
}

/** Names what differs, and only that: states are long. */
function expectSame(stored: StatesByEntity, clean: StatesByEntity): void {
  const names = new Set([...stored.keys(), ...clean.keys()]);
  expect([...names].filter((name) => stored.get(name) !== clean.get(name))).toEqual([]);
}

export interface Life {
  readonly world: World;
  readonly random: Random;
  readonly definitions: Definitions;
  process: Process;
  readonly zombies: Process[];
  readonly kept: World['store']['lanes'][];
}

type Misfortune = (life: Life) => Promise<void> | void;

export const MISFORTUNES: Readonly<Record<string, Misfortune>> = {
  async restart(life) {
    await life.process.materializer.stop();
    life.process = await life.world.start(life.definitions);
  },
  async kill(life) {
    life.process.freeze();
    await turns(life.random.below(4));
    life.process = await life.world.start(life.definitions);
  },
  async zombie(life) {
    life.process.freeze();
    life.zombies.push(life.process);
    life.process = await life.world.start(life.definitions);
  },
  async thaw(life) {
    for (const zombie of life.zombies) zombie.thaw();
    await turns(20);
  },
  keep({ kept, world }) {
    kept.push(world.store.lanes);
  },
  lostSuffix({ kept, world, random }) {
    if (kept.length > 0) world.store.lanes = random.pick(kept);
  },
  emptied({ world }) {
    world.store.lanes = new Map();
  },
  /** What was built in the meantime is gone, and the build before is back: it may be at the very same position. */
  async otherBuild({ world }) {
    await reachEnd(world);
    const before = world.store.lanes;
    world.store.lanes = new Map();
    await reachEnd(world);
    world.store.lanes = before;
  },
  /** What an owner wrote is lost, with the epoch that it drew: the next one draws the same, and folds the same, flushing otherwise. */
  async twin(life) {
    const { world, definitions } = life;
    await life.process.materializer.stop();
    const before = world.store.lanes;
    life.process = await world.start(definitions);
    for (const record of recordsOfAll().slice(0, TWIN_RECORDS)) {
      await world.log.append(SOURCE, [record]);
      await reachEnd(world);
    }
    life.process.freeze();
    world.store.lanes = before;
    const other = await world.start(definitions);
    await reachEnd(world);
    await other.materializer.stop();
    life.process.thaw();
  },
  /** Whoever reads one of these states builds its lane again, over them. */
  async damaged(life) {
    const { world, definitions } = life;
    await life.process.materializer.stop();
    world.store.lanes = damaged(world.store.lanes);
    await world.log.append(SOURCE, recordsOfAll());
    life.process = await world.start(definitions);
  },
  outage({ world, random }) {
    world.outageChance = random.pick([0.5, 0.9]);
  },
  async erase({ world, definitions, random }) {
    const entity = random.pick([...definitions.entities.values()]);
    const keys = entity.keys.map(({ name }) =>
      name === 'card' ? `card-${random.below(6)}` : random.pick(['north', 'south']),
    );
    for (const each of concernedBy(definitions, entity, JSON.stringify(keys))) {
      await eraseFrom(world.log, each, `erasure-${random.below(2 ** 32)}`);
    }
  },
  recovery({ world }) {
    world.outageChance = 0;
  },
};

/** Until the store has all that is in the log, or for `REACH_TURNS`: the store may be away, or nobody alive. */
async function reachEnd(world: World): Promise<void> {
  const ends = ((await world.log.ranges(SOURCE)) ?? []).map(({ endOffset }) => endOffset);
  const isThere = (): boolean =>
    world.store.lanes.size > 0 &&
    [...world.store.lanes.values()].every(({ checkpoint: { position } }) =>
      Object.entries(position).every(([partition, next]) => next === ends[Number(partition)]),
    );
  for (let turn = 0; turn < REACH_TURNS && !isThere(); turn++) {
    world.advance(20);
    await turns(1);
  }
}

function damaged(lanes: World['store']['lanes']): World['store']['lanes'] {
  return new Map(
    [...lanes].map(([name, lane]) => {
      const states = [...lane.states].map(([entity, state]) => {
        const head = Uint8Array.from(state.head);
        head[head.length - 1] = (head.at(-1) ?? 0) ^ 1;
        return [entity, { ...state, head }] as const;
      });
      return [name, { ...lane, states: new Map(states) }];
    }),
  );
}

export interface LiveOptions {
  readonly partitions?: number;
  /** Some views are keyed otherwise than the records. */
  readonly repartitioned?: boolean;
  /** Records are rows of a table, which are deleted, too. */
  readonly upsert?: boolean;
  /** What the store or the log does wrong, against its contract. */
  readonly defects?: ReadonlySet<Defect>;
}

export async function live(
  seed: number,
  misfortunes: readonly string[],
  { partitions = 1, repartitioned = false, upsert = false, defects = new Set() }: LiveOptions = {},
): Promise<Life> {
  const random = createRandom(seed);
  const world = createWorld({
    random,
    mischief: 0.2,
    defects,
    ...(partitions > 1
      ? { partitionOf: (key, count) => partitionOf(key, count, 'murmur2') ?? random.below(count) }
      : {}),
  });
  await world.log.ensureTopic(SOURCE, partitions);
  const definitions = definitionsFor(upsert ? 'rows' : repartitioned ? 'four' : partitions > 1 ? 'two' : 'three');
  const life: Life = { world, random, definitions, process: await world.start(definitions), zombies: [], kept: [] };
  for (let step = 0; step < 12; step++) {
    await world.log.append(SOURCE, randomRecords(random, random.below(60), upsert ? 0.2 : 0));
    await turns(random.below(60));
    world.advance(random.below(500));
    if (misfortunes.length === 0) continue;
    const name = random.pick(misfortunes);
    await MISFORTUNES[name]?.(life);
    note({ [name]: 1 });
  }
  world.outageChance = 0;
  for (const zombie of life.zombies) zombie.thaw();
  return life;
}

/** Fails unless states are those of a clean pass, each rejection has one letter, and no commit broke the protocol. */
export async function finish({ world, definitions, process, zombies }: Life): Promise<void> {
  await Promise.all(zombies.map(({ materializer }) => materializer.stop()));
  world.advance(10_000);
  await settled(world, process);
  await process.materializer.stop();
  expect(process.materializer.status().mode).toBe('stopped');
  const records = world.log.records(SOURCE);
  const moved = movedRecords(definitions, world.log);
  expectSame(storedStates(definitions, world.store), cleanPass(definitions, records, moved));
  expect(writtenLetters(world)).toEqual(expectedLetters(definitions, records));
  expect(world.violations).toEqual([]);
  note({ ...world.happenings });
}
