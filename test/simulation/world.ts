/** A log, a store and the processes that drive one into the other, with what can befall them. */
import { AGGREGATIONS } from '../../src/aggregate/table.ts';
import type { Definitions } from '../../src/definition/definition.ts';
import type { Log } from '../../src/log/log.ts';
import type { MaterializeBounds } from '../../src/materialize/bounds.ts';
import { createMaterializer, type Materializer } from '../../src/materialize/materializer.ts';
import { isSamePlace } from '../../src/store/place.ts';
import type { Commit, Store } from '../../src/store/store.ts';
import type { Defect } from './defect.ts';
import { createMemoryLog, type MemoryLog, type Mischief } from './memory-log.ts';
import { createMemoryStore, type MemoryStore, outage, laneName } from './memory-store.ts';
import type { Random } from './random.ts';
import { STARTED_MS } from './workload.ts';

/** A call is held up for up to so many turns. */
const DELAY_TURNS_MAX = 12;
/** Of calls that are held up at all. */
const DELAY_CHANCE = 0.02;

/** A materializer that can be frozen between any two of its calls to the outside, for a while or for ever. */
export interface Process {
  readonly materializer: Materializer;
  freeze(): void;
  thaw(): void;
}

/** What a run went through; the test asserts that all of it happened in some run. */
export interface Happenings extends Record<Mischief, number> {
  moved: number;
  fenced: number;
  commitsLost: number;
  answersLost: number;
  readsLost: number;
  commits: number;
  /** Calls that were held up, before they were made or before their answer was heard. */
  delays: number;
}

export interface World {
  readonly log: MemoryLog;
  readonly store: MemoryStore;
  readonly happenings: Happenings;
  nowMs(): number;
  advance(ms: number): void;
  /** Probability that a call to the store fails. */
  outageChance: number;
  /** Commits that the store should not have accepted. */
  readonly violations: string[];
  start(definitions: Definitions): Promise<Process>;
}

export interface WorldOptions {
  readonly defects?: ReadonlySet<Defect>;
  readonly random: Random;
  readonly mischief: number;
  readonly partitionOf?: (key: Uint8Array | null, partitions: number) => number;
}

export function createWorld({ random, mischief, partitionOf, defects = new Set() }: WorldOptions): World {
  let nowMs = STARTED_MS;
  let owners = 0;
  const clock = { nowMs: () => (nowMs += random.below(4)) };
  const happenings: Happenings = {
    moved: 0,
    fenced: 0,
    commitsLost: 0,
    answersLost: 0,
    readsLost: 0,
    commits: 0,
    delays: 0,
    redelivered: 0,
    strayed: 0,
    consumersFailed: 0,
    transfersFenced: 0,
    transfersLost: 0,
    rewound: 0,
  };
  const log = createMemoryLog({
    nowMs: () => nowMs,
    random,
    mischief,
    defects,
    onMischief: (what) => void happenings[what]++,
    ...(partitionOf ? { partitionOf } : {}),
  });
  const store = createMemoryStore(200 + random.below(random.chance(0.5) ? 2_000 : 60_000), defects);
  const bounds: Partial<MaterializeBounds> = {
    batchRecordsMax: 1 + random.below(90),
    moveRecordsMax: 1 + random.below(90),
    flushRecordsMax: 1 + random.below(60),
    readEntitiesMax: 1 + random.below(6),
    stateBytesMax: 1 + random.below(40_000),
    heartbeatMs: 200,
    takeoverMs: 2_000,
    retryFirstMs: 1,
    retryLastMs: 3,
    nearOffsets: random.below(60),
    nearBundles: random.below(6),
    turnMs: random.below(40),
    standbyAskMs: random.below(1_000),
    stopMs: 1_000,
    // Damage comes back with whatever was kept: that is no store to give up.
    rebuildsMax: Number.MAX_SAFE_INTEGER,
  };
  const world: World = {
    log,
    store,
    happenings,
    nowMs: () => nowMs,
    advance(ms) {
      nowMs += ms;
    },
    outageChance: 0,
    violations: [],
    async start(definitions) {
      const gate = createGate(() => {
        if (!random.chance(DELAY_CHANCE)) return 0;
        happenings.delays++;
        return 1 + random.below(DELAY_TURNS_MAX);
      });
      const materializer = createMaterializer({
        definitions,
        aggregations: AGGREGATIONS,
        log: gatedLog(log, gate),
        store: gatedStore(store, gate),
        clock,
        namespace: 'simulation',
        owner: `process-${++owners}`,
        bounds,
      });
      await materializer.start();
      return { materializer, freeze: () => gate.freeze(), thaw: () => gate.thaw() };
    },
  };
  injectFaults(world, random);
  return world;
}

/** What a commit that was accepted did against the protocol, as whoever keeps no state but the store's can tell. */
function violationsOf(before: World['store']['lanes'], { shard, sections }: Commit): readonly string[] {
  return sections.flatMap(({ fingerprint, checkpoint, expected, changes }) => {
    const lane = before.get(laneName(shard, fingerprint));
    const stored = lane?.checkpoint ?? null;
    const states = stored?.buildStartedMs === checkpoint.buildStartedMs ? lane?.states : undefined;
    const found: string[] = [];
    if (stored !== null && stored.epoch > checkpoint.epoch) found.push(`epoch fell to ${checkpoint.epoch}`);
    if (!isSamePlace(stored, expected)) {
      found.push(
        `committed at ${JSON.stringify(stored?.position)}, and expected ${JSON.stringify(expected?.position)}`,
      );
    }
    for (const { entity, change } of changes) {
      const stored = states?.get(entity);
      const version = stored?.version ?? 0;
      if (version !== change.fromVersion)
        found.push(`${entity} is at ${version}, and was folded from ${change.fromVersion}`);
      else if (change.head.mode === 'append' && endOf(stored?.head) !== change.fromChecksum)
        found.push(`${entity} was appended to other bytes than those it was folded from`);
    }
    return found;
  });
}

/** What the checks of the store under test must not be asked for. */
function endOf(head: Uint8Array | undefined): number | null {
  return head === undefined ? null : Buffer.from(head).readUInt32LE(head.length - 4);
}

function injectFaults(world: World, random: Random): void {
  const { happenings, store } = world;
  let before = store.lanes;
  store.faults = {
    beforeCommit() {
      before = store.lanes;
      happenings.commits++;
      if (!random.chance(world.outageChance)) return;
      happenings.commitsLost++;
      throw outage();
    },
    afterCommit(commit, { kind }) {
      if (kind === 'ok') world.violations.push(...violationsOf(before, commit));
      if (kind === 'moved') happenings.moved++;
      if (kind === 'fenced') happenings.fenced++;
      if (!random.chance(world.outageChance)) return;
      happenings.answersLost++;
      throw outage();
    },
    beforeRead() {
      if (!random.chance(world.outageChance)) return;
      happenings.readsLost++;
      throw outage();
    },
  };
}

/** Lets everybody else run so often. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}

interface Gate {
  freeze(): void;
  thaw(): void;
  pass(): Promise<void>;
}

/** `delay`: for how many turns the next passage is held up. */
function createGate(delay: () => number): Gate {
  let closed: PromiseWithResolvers<void> | null = null;
  return {
    freeze() {
      closed ??= Promise.withResolvers<void>();
    },
    thaw() {
      closed?.resolve();
      closed = null;
    },
    async pass() {
      await turns(delay());
      await closed?.promise;
    },
  };
}

/** Frozen before a call nothing happens; frozen after it, it happened and nobody knows. */
async function through<T>(gate: Gate, call: () => Promise<T>): Promise<T> {
  await gate.pass();
  try {
    return await call();
  } finally {
    await gate.pass();
  }
}

function gatedStore(store: Store, gate: Gate): Store {
  return {
    ...store,
    commit: (commit) => through(gate, () => store.commit(commit)),
    read: (shard, sections) => through(gate, () => store.read(shard, sections)),
    ping: () => through(gate, () => store.ping()),
    close: () => Promise.resolve(),
  };
}

function gatedLog(log: Log, gate: Gate): Log {
  return {
    ...log,
    append: (topic, records, progress) => through(gate, () => log.append(topic, records, progress)),
    ranges: (topic) => through(gate, () => log.ranges(topic)),
    read: (topic, partition, from, recordsMax) => through(gate, () => log.read(topic, partition, from, recordsMax)),
    async openTransfer(options) {
      const transfer = await through(gate, () => log.openTransfer(options));
      return {
        ...transfer,
        position: () => through(gate, () => transfer.position()),
        append: (topic, records, next) => through(gate, () => transfer.append(topic, records, next)),
      };
    },
  };
}
