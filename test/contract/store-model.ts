/** A store as simple as it can be, and random commits to compare a real one with it. */
import { expect } from 'vitest';
import type { StateChange } from '../../src/state/state.ts';
import type { CommitSection, ShardId, Store } from '../../src/store/store.ts';
import { type Random, randomFrom } from './random.ts';

interface ModelState {
  readonly version: number;
  readonly head: string;
  readonly tiles: string | null;
}

interface ModelShard {
  readonly position: number | null;
  readonly epoch: number;
  readonly build: number;
  readonly states: ReadonlyMap<string, ModelState>;
}

const NOTHING: ModelShard = { position: null, epoch: 0, build: 1, states: new Map() };
const ENTITIES = ['a', 'b', 'c', 'd'];
const FINGERPRINTS = ['f', 'g'];
const PARTITIONS = [0, 1];

const shardId = (partition: number): ShardId => ({ source: 's', entityKey: 'k', partition });

/** Runs `steps` random commits, right and wrong ones, and after each compares all that is stored. */
export async function compareWithModel(store: Store, seed: number, steps: number): Promise<void> {
  const random = randomFrom(seed);
  const model = new Map<string, ModelShard>();
  const tally = { ok: 0, fenced: 0, moved: 0 };
  for (let step = 0; step < steps; step++) {
    const partition = random.pick(PARTITIONS);
    const keyOf = (fingerprint: string): string => `${partition}/${fingerprint}`;
    const chosen = FINGERPRINTS.filter(() => random.chance(0.7));
    const sections = chosen.map((fingerprint) =>
      randomSection(random, fingerprint, model.get(keyOf(fingerprint)) ?? NOTHING, partition, step),
    );
    const expected = answerOf(sections, (fingerprint) => model.get(keyOf(fingerprint)) ?? NOTHING, partition);
    const message = `seed ${seed}, step ${step}`;
    expect(await store.commit({ shard: shardId(partition), sections }), message).toEqual(expected);
    tally[expected.kind] += 1;
    if (expected.kind === 'ok') {
      for (const each of sections) {
        const key = keyOf(each.fingerprint);
        model.set(key, applied(model.get(key) ?? NOTHING, each, partition));
      }
    }
    expect(await contents(store), message).toEqual(contentsOf(model));
  }
  // Otherwise the comparison would not have seen much.
  for (const count of Object.values(tally)) expect(count, `seed ${seed}`).toBeGreaterThan(steps / 50);
}

function randomSection(
  random: Random,
  fingerprint: string,
  { position, epoch: stored, build: storedBuild, states }: ModelShard,
  partition: number,
  step: number,
): CommitSection {
  const epoch = Math.max(1, stored + random.pick([0, 0, 0, 0, 0, 0, 1, -1]));
  const from = random.chance(0.92) ? position : random.pick([null, random.int(5)]);
  const to = (position ?? 0) + random.int(3);
  const build = storedBuild + (random.chance(0.06) ? 1 : 0);
  const expectedBuild = storedBuild + (random.chance(0.02) ? 1 : 0);
  const changes = ENTITIES.filter(() => random.chance(0.4)).map((entity) => {
    const known = build === storedBuild ? (states.get(entity)?.version ?? 0) : 0;
    const fromVersion = random.chance(0.97) ? known : random.pick([known + 1, 0]);
    const head = build === storedBuild ? states.get(entity)?.head : undefined;
    return { entity, change: randomChange(random, fromVersion, endOf(head), step) };
  });
  return {
    fingerprint,
    expected: from === null ? null : { position: { [partition]: from }, buildStartedMs: expectedBuild },
    checkpoint: {
      position: { [partition]: to },
      epoch,
      owner: `step ${step}`,
      heartbeatMs: step,
      caughtUpAtMs: null,
      buildTarget: {},
      completeFromMs: null,
      partitions: 1,
      transitPosition: null,
      buildStartedMs: build,
      receivedAtMs: null,
      erasing: null,
      watermarkMs: null,
    },
    stateTtlMs: null,
    changes,
  };
}

/** Of a head: its last four bytes, as a store compares them; 0: there is none. */
function endOf(head: string | undefined): number {
  return head === undefined ? 0 : Buffer.from(head).readUInt32LE(head.length - 4);
}

function randomChange(random: Random, fromVersion: number, end: number, step: number): StateChange {
  if (random.chance(0.08)) {
    return {
      fromVersion,
      toVersion: 0,
      fromChecksum: null,
      keepsTiles: false,
      head: { mode: 'delete', bytes: new Uint8Array(0) },
      tiles: null,
    };
  }
  const mode = fromVersion > 0 && random.chance(0.7) ? 'append' : 'replace';
  const head = `${step};`.padStart(5, '0').repeat(1 + random.int(random.chance(0.2) ? 400 : 10));
  return {
    fromVersion,
    toVersion: fromVersion + 1 + random.int(3),
    fromChecksum: mode === 'append' ? end + (random.chance(0.02) ? 1 : 0) : null,
    keepsTiles: mode === 'append',
    head: { mode, bytes: Buffer.from(head) },
    tiles: mode === 'append' || random.chance(0.5) ? null : Buffer.from(`t${step}`),
  };
}

type Answer = Awaited<ReturnType<Store['commit']>>;

function answerOf(
  sections: readonly CommitSection[],
  storedFor: (fingerprint: string) => ModelShard,
  partition: number,
): Answer {
  for (const { fingerprint, checkpoint } of sections) {
    const { epoch } = storedFor(fingerprint);
    if (checkpoint.epoch < epoch) return { kind: 'fenced', fingerprint, epoch };
  }
  for (const { fingerprint, expected: place, checkpoint, changes } of sections) {
    const { position, build, states } = storedFor(fingerprint);
    const ofBuild = build === checkpoint.buildStartedMs ? states : NOTHING.states;
    const expected = place === null ? null : (place.position[partition] ?? null);
    const buildFits = place === null || place.buildStartedMs === build;
    const changesFit = changes.every(({ entity, change: { fromVersion, fromChecksum } }) => {
      const state = ofBuild.get(entity);
      return (state?.version ?? 0) === fromVersion && (fromChecksum === null || endOf(state?.head) === fromChecksum);
    });
    if (expected !== position || !buildFits || !changesFit) {
      return { kind: 'moved', fingerprint, position: position === null ? null : { [partition]: position } };
    }
  }
  return { kind: 'ok' };
}

function applied(before: ModelShard, { checkpoint, changes }: CommitSection, partition: number): ModelShard {
  const build = checkpoint.buildStartedMs;
  const states = new Map(build === before.build ? before.states : []);
  for (const { entity, change } of changes) {
    const { toVersion: version, head, tiles } = change;
    if (head.mode === 'delete') {
      states.delete(entity);
      continue;
    }
    const state = states.get(entity);
    const bytes = Buffer.from(head.bytes).toString();
    states.set(entity, {
      version,
      head: head.mode === 'append' ? (state?.head ?? '') + bytes : bytes,
      tiles: tiles === null ? (state?.tiles ?? null) : Buffer.from(tiles).toString(),
    });
  }
  return { position: checkpoint.position[partition] ?? null, epoch: checkpoint.epoch, build, states };
}

type Contents = Record<string, { position: number | null; epoch: number; states: (ModelState | null)[] }>;

async function contents(store: Store): Promise<Contents> {
  const found: Contents = {};
  for (const partition of PARTITIONS) {
    const reads = await store.read(
      shardId(partition),
      FINGERPRINTS.map((fingerprint) => ({ fingerprint, entities: ENTITIES })),
    );
    for (const [index, { checkpoint, states }] of reads.entries()) {
      found[`${partition}/${FINGERPRINTS[index]}`] = {
        position: checkpoint?.position[partition] ?? null,
        epoch: checkpoint?.epoch ?? 0,
        states: states.map(
          (state) =>
            state && {
              version: state.version,
              head: Buffer.from(state.head).toString(),
              tiles: state.tiles && Buffer.from(state.tiles).toString(),
            },
        ),
      };
    }
  }
  return found;
}

function contentsOf(model: ReadonlyMap<string, ModelShard>): Contents {
  const found: Contents = {};
  for (const partition of PARTITIONS) {
    for (const fingerprint of FINGERPRINTS) {
      const { position, epoch, states } = model.get(`${partition}/${fingerprint}`) ?? NOTHING;
      found[`${partition}/${fingerprint}`] = {
        position,
        epoch,
        states: ENTITIES.map((entity) => states.get(entity) ?? null),
      };
    }
  }
  return found;
}
