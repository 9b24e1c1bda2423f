/**
 * A store for simulations of the tier, in virtual time: what it held at every moment is remembered, reads take their time and
 * may fail, and what subscribers hear comes late, or not at all. What a state is is a function of fingerprint, build and
 * position, over a log that never changes: that is the oracle, and it looks at nothing else.
 */
import { type EntityState, NO_BYTES } from '../../src/state/entity-state.ts';
import type { StoredState } from '../../src/state/state.ts';
import type { Checkpoint, CommitListener, CommitNotice, ShardId, Store } from '../../src/store/store.ts';
import type { Random } from '../simulation/random.ts';
import type { Schedule } from './schedule.ts';

export const FINGERPRINTS = ['f', 'g'] as const;
export const ENTITIES = ['a', 'b', 'c', 'd', 'e'] as const;

/** Where one fingerprint is; null: nothing was committed. */
export interface Spot {
  readonly position: number;
  readonly build: number;
}

export type Spots = Readonly<Record<string, Spot | null>>;

/** The store was here from `fromMs` until `untilMs`. */
export interface Stay {
  readonly fromMs: number;
  untilMs: number;
  readonly spots: Spots;
}

/** Chances of a fault, each of so many; the simulation turns them on and off. */
export interface Weather {
  readsFail: boolean;
  lost: number;
  doubled: number;
  disordered: number;
  /** Messages wait until the stall is over. */
  stalledUntilMs: number;
  connected: boolean;
  /** Whether sections of a commit are told one by one: a defect. */
  split: boolean;
  /** Longest delays, ms. */
  readMs: number;
  messageMs: number;
}

export interface SimStore extends Store {
  readonly weather: Weather;
  stays(shard: ShardId): readonly Stay[];
  /** Takes `fingerprints` to these spots at once, and tells of it. `entities`: what the commit names as changed. */
  moveTo(shard: ShardId, next: Spots, silently?: boolean): void;
  /** When the subscriber was last told that commits are told from then on. */
  toldMs(shard: ShardId): number;
  begin(shard: ShardId): void;
}

/** The log: which entity the event at an offset is of. */
export function entityAt(partition: number, offset: number): string {
  return ENTITIES[(Math.imul(offset + 7 + partition, 2_654_435_761) >>> 8) % ENTITIES.length] as string;
}

/** What a state holds at a spot: the offsets of its events, of those that the build could see. Null: none. */
export function stateAt(partition: number, fingerprint: string, { position, build }: Spot, entity: string) {
  const offsets: number[] = [];
  for (let offset = build; offset < position; offset++)
    if (entityAt(partition, offset) === entity) offsets.push(offset);
  return offsets.length === 0 ? null : `${fingerprint}:${offsets.join()}`;
}

export function nameOf({ source, entityKey, partition }: ShardId): string {
  return `${source}/${entityKey}/${partition}`;
}

export function textOf(state: EntityState | null): string | null {
  return state === null ? null : (state as unknown as { text: string }).text;
}

export function decode(_fingerprint: string, stored: StoredState): EntityState {
  const text = Buffer.from(stored.head).toString();
  return { text, tiles: [], stored: { tiles: NO_BYTES } } as unknown as EntityState;
}

export function checkpointOf(spot: Spot | null, nowMs: number): Checkpoint | null {
  if (spot === null) return null;
  return {
    position: { 0: spot.position },
    buildStartedMs: spot.build,
    heartbeatMs: nowMs,
    partitions: 1,
    transitPosition: null,
    epoch: 1,
    owner: 'sim',
    caughtUpAtMs: nowMs,
    buildTarget: {},
    completeFromMs: null,
    watermarkMs: null,
    receivedAtMs: null,
    erasing: null,
  };
}

export function createSimStore(schedule: Schedule, random: Random): SimStore {
  const weather: Weather = {
    readsFail: false,
    lost: 0,
    doubled: 0,
    disordered: 0,
    stalledUntilMs: 0,
    connected: true,
    split: false,
    readMs: 8,
    messageMs: 8,
  };
  const history = new Map<string, Stay[]>();
  const told = new Map<string, number>();
  let listener: CommitListener | null = null;
  let lastDeliveryMs = 0;

  function stays(shard: ShardId): Stay[] {
    const name = nameOf(shard);
    const known = history.get(name);
    if (known !== undefined) return known;
    const first: Stay[] = [{ fromMs: 0, untilMs: Number.POSITIVE_INFINITY, spots: { f: null, g: null } }];
    history.set(name, first);
    return first;
  }

  const spotsOf = (shard: ShardId): Spots => (stays(shard).at(-1) as Stay).spots;

  function deliver(notice: CommitNotice): void {
    if (!weather.connected || random.chance(weather.lost)) return;
    const times = random.chance(weather.doubled) ? 2 : 1;
    for (let time = 0; time < times; time++) {
      const soonMs = Math.max(schedule.nowMs(), weather.stalledUntilMs) + random.below(weather.messageMs + 1);
      const inOrder = !random.chance(weather.disordered);
      const atMs = inOrder ? Math.max(soonMs, lastDeliveryMs) : soonMs;
      if (inOrder) lastDeliveryMs = atMs;
      // A connection that breaks takes with it what is on its way: none of it is told once another has begun.
      const beganMs = store.toldMs(notice.shard);
      const isThere = (): boolean => weather.connected && store.toldMs(notice.shard) === beganMs;
      schedule.at(atMs, () => void (isThere() && listener?.onCommit(notice)));
    }
  }

  function sectionOf(shard: ShardId, fingerprint: string, from: Spot | null, to: Spot) {
    const first = from === null || from.build !== to.build ? to.build : from.position;
    const entities = new Set<string>();
    for (let offset = first; offset < to.position; offset++) entities.add(entityAt(shard.partition, offset));
    return {
      fingerprint,
      expected: from && { position: { 0: from.position }, buildStartedMs: from.build },
      checkpoint: checkpointOf(to, schedule.nowMs()) as Checkpoint,
      entities: [...entities],
    };
  }

  const store: SimStore = {
    commitBytesMax: 0,
    commitChangesMax: 0,
    nodeOf: () => 'simulated',
    weather,
    stays,
    toldMs: (shard) => told.get(nameOf(shard)) ?? 0,
    begin(shard) {
      told.set(nameOf(shard), schedule.nowMs());
      listener?.onBegin(shard);
    },
    moveTo(shard, next, silently = false) {
      const before = spotsOf(shard);
      const all = stays(shard);
      const nowMs = schedule.nowMs();
      (all.at(-1) as Stay).untilMs = nowMs;
      all.push({ fromMs: nowMs, untilMs: Number.POSITIVE_INFINITY, spots: { ...before, ...next } });
      if (silently) return;
      const sections = Object.entries(next).flatMap(([fingerprint, spot]) =>
        spot === null ? [] : [sectionOf(shard, fingerprint, before[fingerprint] ?? null, spot)],
      );
      if (weather.split) for (const section of sections) deliver({ shard, sections: [section] });
      else deliver({ shard, sections });
    },
    async read(shard, sections) {
      const fails = weather.readsFail;
      await schedule.wait(random.below(weather.readMs + 1));
      const spots = spotsOf(shard);
      const nowMs = schedule.nowMs();
      await schedule.wait(random.below(weather.readMs + 1));
      if (fails || weather.readsFail) throw new Error('the store is away');
      return sections.map(({ fingerprint, entities }) => {
        const spot = spots[fingerprint] ?? null;
        return {
          checkpoint: checkpointOf(spot, nowMs),
          states: entities.map((entity): StoredState | null => {
            const text = spot === null ? null : stateAt(shard.partition, fingerprint, spot, entity);
            return text === null ? null : { version: 1, head: Buffer.from(text), tiles: null };
          }),
        };
      });
    },
    subscribe(one) {
      listener = one;
      return {
        follow: (shard) => {
          schedule.at(schedule.nowMs() + random.below(20), () => void (weather.connected && store.begin(shard)));
        },
        unfollow: () => undefined,
        close: () => Promise.resolve(),
      };
    },
    commit: () => Promise.reject(new Error('not here')),
    list: () => Promise.resolve([]),
    drop: () => Promise.resolve(0),
    ping: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
  return store;
}
