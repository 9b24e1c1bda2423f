import { expect, test } from 'vitest';
import { CorruptBytesError } from '../../src/core/bytes.ts';
import type { StateDecoder } from '../../src/cache/shard-reader.ts';
import { type Tier, createTier } from '../../src/cache/tier.ts';
import { WAITING_MAX } from '../../src/cache/waiting.ts';
import { type EntityRef, createReadRequest, readSeated, readShards, shardText } from '../../src/serve/shard-reads.ts';
import type { CommitListener, ReadSection, ShardId, Store } from '../../src/store/store.ts';
import { checkpointOf, decode } from './sim-store.ts';

const SHARD: ShardId = { source: 's', entityKey: 'k', partition: 0 };
const OTHER: ShardId = { ...SHARD, partition: 1 };
const STALENESS_MS = 1_000;
const NO_LIMITS = { readLimitMs: 60_000, budgetLeftMs: Number.POSITIVE_INFINITY };

interface Setup {
  readonly tier: Tier;
  readonly clock: { ms: number; nowMs(): number };
  /** What the store was asked, each read by itself. */
  readonly asked: { readonly shard: ShardId; readonly sections: readonly ReadSection[] }[];
  /** Where the store is; changed by `commit`. */
  commit(entities: readonly string[], shard?: ShardId): void;
  /** Tells of a commit after which the store fell back to where it was before. */
  commitLost(entities: readonly string[]): void;
  /** Answers of the store wait for `release`. */
  hold(): void;
  release(): void;
  fail(fails: boolean): void;
  listener(): CommitListener;
}

/** All shards are at one position; every entity but `absent` has a state. */
function setUp(options: { bytesMax?: number; decode?: StateDecoder } = {}): Setup {
  const clock = { ms: 1_000_000, nowMs: (): number => clock.ms };
  const asked: Setup['asked'] = [];
  let position = 1;
  let fails = false;
  let held: PromiseWithResolvers<void> | null = null;
  let listener: CommitListener | null = null;
  const store: Store = {
    commitBytesMax: 0,
    commitChangesMax: 0,
    nodeOf: () => 'one',
    async read(shard, sections) {
      asked.push({ shard, sections });
      const spot = { position, build: 0 };
      await held?.promise;
      if (fails) throw new Error('the store is away');
      return sections.map(({ entities }) => ({
        checkpoint: checkpointOf(spot, clock.ms),
        states: entities.map((entity) =>
          entity === 'absent' ? null : { version: 1, head: Buffer.from(`${entity}@${spot.position}`), tiles: null },
        ),
      }));
    },
    subscribe(one) {
      listener = one;
      return { follow: () => undefined, unfollow: () => undefined, close: () => Promise.resolve() };
    },
    commit: () => Promise.reject(new Error('not here')),
    list: () => Promise.resolve([]),
    drop: () => Promise.resolve(0),
    ping: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
  function tell(from: number, entities: readonly string[], shard = SHARD): void {
    const expected = { position: { 0: from }, buildStartedMs: 0 };
    const checkpoint = checkpointOf({ position: from + 1, build: 0 }, clock.ms);
    if (checkpoint === null) return;
    listener?.onCommit({ shard, sections: [{ fingerprint: 'f', expected, checkpoint, entities }] });
  }
  const { bytesMax = 1_000_000 } = options;
  const tier = createTier({ store, decode: options.decode ?? decode, clock, stalenessMs: STALENESS_MS, bytesMax });
  return {
    tier,
    clock,
    asked,
    listener: () => listener as CommitListener,
    commit: (entities, shard) => tell(position++, entities, shard),
    commitLost: (entities) => tell(position, entities),
    hold: () => void (held = Promise.withResolvers()),
    release() {
      held?.resolve();
      held = null;
    },
    fail: (now) => void (fails = now),
  };
}

function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

async function read(tier: Tier, entities: readonly string[], how: 'shared' | 'anew' = 'shared', shard = SHARD) {
  const reads = createReadRequest();
  for (const entity of entities)
    reads.entity({ id: shard, shard: shardText(shard), fingerprint: 'f', entity, isSampled: false, entry: null });
  const outcome = (await readShards(tier, reads.shards, NO_LIMITS, how)).get(shardText(shard));
  if (outcome?.kind !== 'read') throw new Error(`not read: ${JSON.stringify(outcome)}`);
  const section = outcome.sections.get('f');
  return { ...outcome, position: section?.checkpoint?.position[0], states: section?.states ?? new Map() };
}

test('what was read is kept: it is not asked for again, nor is what is not there', async () => {
  const { tier, asked } = setUp();
  const first = await read(tier, ['a', 'absent']);
  expect(first.states.get('absent')).toMatchObject({ kind: 'state', state: null });
  const again = await read(tier, ['a', 'absent']);
  expect(asked).toHaveLength(1);
  for (const entity of ['a', 'absent']) expect(again.states.get(entity)).toBe(first.states.get(entity));
  expect(tier.report()).toMatchObject({ hits: 2, misses: 2, entries: 2 });
});

test('requests that miss the same at the same time load it once; those of one turn share a read', async () => {
  const { tier, asked, hold, release } = setUp();
  hold();
  const first = [read(tier, ['a', 'b']), read(tier, ['b', 'c'])];
  await turn();
  const later = read(tier, ['a', 'c']);
  await turn();
  release();
  const [one, two] = await Promise.all(first);
  const three = await later;
  expect(asked.map(({ sections }) => sections)).toEqual([[{ fingerprint: 'f', entities: ['a', 'b', 'c'] }]]);
  expect(one?.states.get('b')).toBe(two?.states.get('b'));
  expect(three.states.get('a')).toBe(one?.states.get('a'));
});

test('loads of several shards go out in one turn', async () => {
  const { tier, asked, hold, release } = setUp();
  hold();
  const reads = createReadRequest();
  for (const shard of [SHARD, OTHER])
    reads.entity({ id: shard, shard: shardText(shard), fingerprint: 'f', entity: 'a', isSampled: false, entry: null });
  const reading = readShards(tier, reads.shards, NO_LIMITS);
  await turn();
  expect(asked.map(({ shard }) => shard)).toEqual([SHARD, OTHER]);
  release();
  expect([...(await reading).values()].map(({ kind }) => kind)).toEqual(['read', 'read']);
});

test('a commit that is told drops what it changed, and moves all else on with it: the same object at a later position', async () => {
  const { tier, asked, commit } = setUp();
  const first = await read(tier, ['a', 'b']);
  commit(['a']);
  const second = await read(tier, ['b']);
  expect(asked).toHaveLength(1);
  expect([first.position, second.position]).toEqual([1, 2]);
  expect(second.states.get('b')).toBe(first.states.get('b'));
  const third = await read(tier, ['a', 'b']);
  expect(third.states.get('a')).not.toBe(first.states.get('a'));
  expect(third.position).toBe(2);
});

test('what a commit changes while it is read is served, and not kept; whoever asks after it has it loaded again', async () => {
  const { tier, asked, commit, hold, release } = setUp();
  await read(tier, ['z']);
  hold();
  const reading = read(tier, ['a', 'b']);
  await turn();
  commit(['a']);
  const after = read(tier, ['a']);
  await turn();
  release();
  expect((await reading).position).toBe(1);
  expect((await after).position).toBe(2);
  expect(asked).toHaveLength(3);
  await read(tier, ['a', 'b', 'z']);
  expect(asked).toHaveLength(3);
});

test('what hangs on an entry counts, lives as long as the entry is kept, and goes with it', async () => {
  const { tier, commit } = setUp({ bytesMax: 10_000 });
  const entry = (await read(tier, ['a'])).states.get('a');
  if (entry?.kind !== 'state') throw new Error('no state');
  const before = tier.report().bytes;
  const maker = {};
  entry.fragments.set(maker, 'text');
  entry.grow(1_000);
  expect(tier.report().bytes).toBe(before + 1_000);
  commit([]);
  const kept = (await read(tier, ['a'])).states.get('a');
  expect(kept?.kind === 'state' && kept.fragments.get(maker)).toBe('text');
  commit(['a']);
  await turn();
  expect(tier.report()).toMatchObject({ entries: 1, bytes: before });
  entry.grow(1_000);
  expect(tier.report().bytes).toBe(before);
  const anew = (await read(tier, ['a'])).states.get('a');
  expect(anew?.kind === 'state' && anew.fragments.size).toBe(0);
});

test('the bytes of all that is kept are bounded: the one not asked for longest goes first', async () => {
  const { tier, asked } = setUp({ bytesMax: 5_000 });
  const names = Array.from({ length: 40 }, (_, index) => `entity ${index}`);
  for (const name of names) {
    await read(tier, [name]);
    await read(tier, ['entity 0']);
    expect(tier.report().bytes).toBeLessThanOrEqual(5_000);
  }
  expect(tier.report().evictions).toBeGreaterThan(20);
  const before = asked.length;
  await read(tier, ['entity 0', 'entity 39']);
  expect(asked).toHaveLength(before);
  const entry = (await read(tier, ['entity 0'])).states.get('entity 0');
  if (entry?.kind === 'state') entry.grow(6_000);
  expect(tier.report().bytes).toBeLessThanOrEqual(5_000);
});

/** Has it read, and seats it. */
async function seat(tier: Tier, entity: string): Promise<EntityRef> {
  const ref = { id: SHARD, shard: shardText(SHARD), fingerprint: 'f', entity, isSampled: false, entry: null };
  const entry = (await read(tier, [entity])).states.get(entity);
  if (entry?.kind === 'state') entry.sit(ref);
  return ref;
}

test('what sits at its place is found there for as long as it is kept and fresh', async () => {
  const { tier, commit, clock } = setUp();
  const [a, b] = [await seat(tier, 'a'), await seat(tier, 'b')];
  const kept = readSeated(tier, [a, 'no_such_entity', b]);
  expect(kept?.entries).toEqual([a.entry, null, b.entry]);
  const outcome = kept?.outcomes.get(shardText(SHARD));
  expect(outcome?.kind === 'read' && outcome.sections.get('f')?.checkpoint?.position[0]).toBe(1);
  commit(['c']);
  expect(readSeated(tier, [a, b])?.entries).toEqual([a.entry, b.entry]);
  clock.ms += STALENESS_MS + 1;
  expect(readSeated(tier, [a])).toBeNull();
});

function positionOf(tier: Tier, refs: readonly EntityRef[]): number | null {
  const outcome = readSeated(tier, refs)?.outcomes.get(shardText(SHARD));
  return outcome?.kind === 'read' ? (outcome.sections.get('f')?.checkpoint?.position[0] ?? null) : null;
}

test('what changed and is asked for again and again is loaded anew; until it is there, all is served as of the moment before', async () => {
  const { tier, commit, asked, hold, release } = setUp();
  const [a, b] = [await seat(tier, 'a'), await seat(tier, 'b')];
  readSeated(tier, [a, b]);
  const before = b.entry;
  hold();
  commit(['b', 'never asked for']);
  expect(asked.at(-1)?.sections).toEqual([{ fingerprint: 'f', entities: ['b'] }]);
  expect([positionOf(tier, [a, b]), b.entry]).toEqual([1, before]);
  release();
  await turn();
  expect(positionOf(tier, [a, b])).toBe(2);
  expect(b.entry?.state).toMatchObject({ text: 'b@2' });
  expect(tier.report()).toMatchObject({ misses: 2 });
});

test('what is loaded anew is asked for without the tiles that are kept of it', async () => {
  const tilesOf = (head: Uint8Array): Uint8Array => Buffer.from(head).subarray(0, 1);
  const { tier, commit, asked } = setUp({
    decode: (fingerprint, stored) =>
      ({ ...decode(fingerprint, stored), stored: { tiles: tilesOf(stored.head) } }) as never,
  });
  const b = await seat(tier, 'b');
  readSeated(tier, [b]);
  commit(['b']);
  const knownTiles = new Map([['b', Buffer.from('b')]]);
  expect(asked.at(-1)?.sections).toEqual([{ fingerprint: 'f', entities: ['b'], knownTiles }]);
  await turn();
  expect(positionOf(tier, [b])).toBe(2);
  await read(tier, ['never read before']);
  expect(asked.at(-1)?.sections).toEqual([{ fingerprint: 'f', entities: ['never read before'] }]);
});

test('commits that come while what changed is loaded are gone on to as far as the read tells of them, and no further', async () => {
  const { tier, commit, asked, hold, release } = setUp();
  const [a, b] = [await seat(tier, 'a'), await seat(tier, 'b')];
  readSeated(tier, [a, b]);
  hold();
  commit(['b']);
  readSeated(tier, [a, b]);
  commit(['a', 'b']);
  release();
  hold();
  await turn();
  expect([positionOf(tier, [a, b]), b.entry?.state]).toMatchObject([2, { text: 'b@2' }]);
  readSeated(tier, [a, b]);
  release();
  await turn();
  expect(asked.map(({ sections }) => sections[0]?.entities)).toEqual([['a'], ['b'], ['b'], ['a']]);
  expect(positionOf(tier, [a])).toBe(3);
});

test('a read that is before what was told says that the store fell back: it confirms nothing', async () => {
  const { tier, commitLost, clock } = setUp();
  const [a] = [await seat(tier, 'a'), await seat(tier, 'c')];
  readSeated(tier, [a]);
  commitLost(['a']);
  await turn();
  clock.ms += 101;
  expect((await read(tier, ['c'])).position).toBe(1);
});

test('what was not asked for since it was loaded anew is dropped when it changes again', async () => {
  const { tier, commit, asked } = setUp();
  const a = await seat(tier, 'a');
  readSeated(tier, [a]);
  commit(['a']);
  await turn();
  expect(asked).toHaveLength(2);
  commit(['a']);
  expect([a.entry, asked.length]).toEqual([null, 2]);
});

test.each([
  ['it takes too long', ({ clock }: Setup) => void (clock.ms += 101)],
  ['there are too many', ({ commit }: Setup) => Array.from({ length: WAITING_MAX }, () => commit(['a']))],
])('commits wait for what changed no longer once %s: it is loaded by whoever asks', async (_of, happen) => {
  const setup = setUp();
  const { tier, commit, hold, release, asked } = setup;
  const [a, b] = [await seat(tier, 'a'), await seat(tier, 'b')];
  readSeated(tier, [a, b]);
  hold();
  commit(['a']);
  expect(readSeated(tier, [a])).not.toBeNull();
  happen(setup);
  expect(readSeated(tier, [a])).toBeNull();
  const reading = read(tier, ['a', 'b']);
  await turn();
  release();
  expect((await reading).position).toBeGreaterThan(1);
  expect(asked.length).toBeGreaterThan(3);
});

test('a store that fails to load what changed costs what changed, and nothing else', async () => {
  const { tier, commit, fail } = setUp();
  const [a, b] = [await seat(tier, 'a'), await seat(tier, 'b')];
  readSeated(tier, [a, b]);
  fail(true);
  commit(['a']);
  await turn();
  expect([readSeated(tier, [a]), positionOf(tier, [b])]).toEqual([null, 2]);
});

test('an entry has one seat: who sat it down last finds it', async () => {
  const { tier } = setUp();
  const first = await seat(tier, 'a');
  const second = await seat(tier, 'a');
  expect([first.entry, second.entry?.entity]).toEqual([null, 'a']);
});

test('what is read where it sits stays while others come and go', async () => {
  const { tier } = setUp({ bytesMax: 100_000 });
  const hot = await seat(tier, 'hot');
  const cold = await seat(tier, 'cold');
  for (let index = 0; index < 500; index++) {
    await read(tier, [`entity ${index}`]);
    if (index % 10 === 0) expect(readSeated(tier, [hot])).not.toBeNull();
  }
  expect([hot.entry?.entity, cold.entry]).toEqual(['hot', null]);
});

test('bytes that cannot be decoded are an answer, and are not kept: somebody may mend them', async () => {
  let broken = true;
  const { tier, asked } = setUp({
    decode(fingerprint, stored) {
      if (broken) throw new CorruptBytesError('no state');
      return decode(fingerprint, stored);
    },
  });
  expect((await read(tier, ['a'])).states.get('a')).toEqual({ kind: 'corrupt', reason: 'no state' });
  broken = false;
  expect((await read(tier, ['a'])).states.get('a')).toMatchObject({ kind: 'state' });
  expect(asked).toHaveLength(2);
});

test('what is wanted anew is read, and the same objects are kept where the store did not move', async () => {
  const { tier, asked } = setUp();
  const first = await read(tier, ['a']);
  const anew = await read(tier, ['a'], 'anew');
  expect(asked).toHaveLength(2);
  expect(anew.states.get('a')).toBe(first.states.get('a'));
});

test('while the store is away, what is kept is served until it is as old as the bound; what is not is said to be lacking', async () => {
  const { tier, clock, fail } = setUp();
  await read(tier, ['a']);
  fail(true);
  clock.ms += STALENESS_MS;
  await tier.check();
  const some = await read(tier, ['a', 'b']);
  expect([...some.states.keys()]).toEqual(['a']);
  expect(some.lacks).toMatchObject({ kind: 'unavailable' });
  await expect(read(tier, ['b'])).rejects.toThrow('not read');
  clock.ms += 1;
  await expect(read(tier, ['a'])).rejects.toThrow('not read');
  expect(tier.report()).toMatchObject({ failedChecks: 1, confirmedAgeMs: STALENESS_MS + 1 });
});

test('what is kept of a store that fails, or hangs, is said to be of one that is away; once it answers, no longer', async () => {
  const { tier, clock, fail, hold, release } = setUp();
  await read(tier, ['a']);
  expect(await read(tier, ['a'])).toMatchObject({ isAway: false });
  fail(true);
  await tier.check();
  expect(await read(tier, ['a'])).toMatchObject({ isAway: true });
  expect(await read(tier, ['a', 'b'])).toMatchObject({ isAway: true, lacks: { kind: 'unavailable' } });
  fail(false);
  await tier.check();
  expect(await read(tier, ['a'])).toMatchObject({ isAway: false });
  hold();
  const checked = tier.check();
  expect(await read(tier, ['a'])).toMatchObject({ isAway: false });
  clock.ms += STALENESS_MS / 4 + 1;
  expect(await read(tier, ['a'])).toMatchObject({ isAway: true });
  release();
  await checked;
  expect(await read(tier, ['a'])).toMatchObject({ isAway: false });
});

test('a checkpoint read confirms what is kept, so that it is served on without being read', async () => {
  const { tier, clock, asked } = setUp();
  await read(tier, ['a']);
  for (let time = 0; time < 10; time++) {
    clock.ms += STALENESS_MS / 2;
    await tier.check();
    await read(tier, ['a']);
  }
  expect(asked.slice(1).flatMap(({ sections }) => sections.flatMap(({ entities }) => entities))).toEqual([]);
  expect(asked).toHaveLength(11);
});

test('a clock that was put back confirms nothing', async () => {
  const { tier, clock, asked } = setUp();
  await read(tier, ['a']);
  clock.ms -= 10;
  await read(tier, ['a']);
  expect(asked).toHaveLength(2);
});

test('once a clock was put back, reads confirm by it again', async () => {
  const { tier, clock, asked } = setUp();
  await read(tier, ['a']);
  clock.ms -= 120_000;
  await tier.check();
  const before = asked.length;
  await read(tier, ['a']);
  expect(asked).toHaveLength(before);
});

test('what was confirmed before a clock was put back is never fresh again', async () => {
  const { tier, clock, asked, fail } = setUp();
  await read(tier, ['a']);
  clock.ms -= 120_000;
  fail(true);
  await tier.check();
  clock.ms += 120_000;
  fail(false);
  const before = asked.length;
  await read(tier, ['a']);
  expect(asked).toHaveLength(before + 1);
});

test('a shard that nobody asks for is forgotten, and its checkpoint is read no more', async () => {
  const { tier, clock, asked } = setUp();
  await read(tier, ['a']);
  clock.ms += 60_001;
  await tier.check();
  await tier.check();
  expect(asked).toHaveLength(1);
  expect(tier.report()).toMatchObject({ shards: 0, entries: 0, bytes: 0, cleared: { idle: 1 }, confirmedAgeMs: null });
});
