/** What every `Store` adapter promises. An adapter's test file gives a way to open it, and runs this. */
import { afterEach, describe, expect, test } from 'vitest';
import type { StateChange } from '../../src/state/state.ts';
import type { Checkpoint, Commit, CommitNotice, CommitSection, ShardId, Store } from '../../src/store/store.ts';
import { END_CHECKSUM, endedBytes, textOf } from './ended.ts';
import { compareKnownTiles } from './known-tiles.ts';
import { randomFrom } from './random.ts';
import { compareWithModel } from './store-model.ts';

const SHARD: ShardId = { source: 'flights', entityKey: 'origin', partition: 0 };

function checkpoint(position: number, epoch = 1, buildStartedMs = 1): Checkpoint {
  return {
    position: { 0: position },
    epoch,
    owner: 'test',
    heartbeatMs: 5,
    caughtUpAtMs: null,
    buildTarget: { 0: 9 },
    completeFromMs: null,
    partitions: 1,
    transitPosition: null,
    buildStartedMs,
    receivedAtMs: null,
    erasing: null,
    watermarkMs: position * 10,
  };
}

/** An append, unless from version 0. */
function change(
  fromVersion: number,
  bytes: string,
  tiles: string | null = null,
  mode: 'append' | 'replace' = fromVersion === 0 ? 'replace' : 'append',
): StateChange {
  return {
    fromVersion,
    toVersion: fromVersion + 1,
    fromChecksum: mode === 'append' && fromVersion > 0 ? END_CHECKSUM : null,
    keepsTiles: mode === 'append' && fromVersion > 0,
    head: { mode, bytes: endedBytes(bytes) },
    tiles: tiles === null ? null : Buffer.from(tiles),
  };
}

function section(
  from: number | null,
  to: number,
  changes: Readonly<Record<string, StateChange>> = {},
  more: { fingerprint?: string; epoch?: number; build?: number; fromBuild?: number; ttlMs?: number } = {},
): CommitSection {
  return {
    fingerprint: more.fingerprint ?? 'f',
    expected: from === null ? null : { position: { 0: from }, buildStartedMs: more.fromBuild ?? 1 },
    checkpoint: checkpoint(to, more.epoch, more.build),
    stateTtlMs: more.ttlMs ?? null,
    changes: Object.entries(changes).map(([entity, each]) => ({ entity, change: each })),
  };
}

const commitOf = (...sections: CommitSection[]): Commit => ({ shard: SHARD, sections });

/** What the store holds for one fingerprint, in plain form. */
async function contents(store: Store, entities: readonly string[], fingerprint = 'f', shard = SHARD) {
  const [read] = await store.read(shard, [{ fingerprint, entities }]);
  return {
    position: read?.checkpoint?.position ?? null,
    states: read?.states.map(
      (state) =>
        state && {
          version: state.version,
          head: textOf(state.head),
          tiles: state.tiles && Buffer.from(state.tiles).toString(),
        },
    ),
  };
}

export function describeStoreContract(adapter: string, open: (namespace: string) => Promise<Store>): void {
  describe(`the Store contract, ${adapter}`, () => {
    const stores: Store[] = [];
    const closers: (() => Promise<void>)[] = [];
    const opened = async (namespace = 'n'): Promise<Store> => {
      const store = await open(namespace);
      stores.push(store);
      return store;
    };
    afterEach(async () => {
      for (const close of closers.splice(0)) await close();
      for (const store of stores.splice(0)) await store.close();
    });

    test('another build begins with nothing: states of the former one count as absent', async () => {
      const store = await opened();
      await store.commit(commitOf(section(null, 1, { a: change(0, 'old', 'tiles'), b: change(0, 'old') })));
      expect(await store.commit(commitOf(section(1, 0, {}, { build: 2 })))).toEqual({ kind: 'ok' });
      expect(await contents(store, ['a', 'b'])).toEqual({ position: { 0: 0 }, states: [null, null] });
      const stale = await store.commit(commitOf(section(0, 1, { a: change(1, 'more') }, { build: 2, fromBuild: 2 })));
      expect(stale).toMatchObject({ kind: 'moved' });
      expect(await store.commit(commitOf(section(0, 1, { a: change(0, 'new') }, { build: 2, fromBuild: 2 })))).toEqual({
        kind: 'ok',
      });
      expect(await contents(store, ['a', 'b'])).toEqual({
        position: { 0: 1 },
        states: [{ version: 1, head: 'new', tiles: null }, null],
      });
    });

    test('the same position in another build is another place: an owner is told, and hides no states', async () => {
      const store = await opened();
      await store.commit(commitOf(section(null, 1, { a: change(0, 'x') }, { build: 1 })));
      const elsewhere = section(1, 2, {}, { build: 2, fromBuild: 2 });
      expect(await store.commit(commitOf(elsewhere))).toEqual({ kind: 'moved', fingerprint: 'f', position: { 0: 1 } });
      expect(await contents(store, ['a'])).toMatchObject({ position: { 0: 1 }, states: [{ version: 1 }] });
    });

    test('a build may begin and write states in one commit', async () => {
      const store = await opened();
      await store.commit(commitOf(section(null, 1, { a: change(0, 'old', 'tiles') })));
      await store.commit(commitOf(section(1, 1, { a: change(0, 'new') }, { build: 2 })));
      expect(await contents(store, ['a'])).toEqual({
        position: { 0: 1 },
        states: [{ version: 1, head: 'new', tiles: null }],
      });
    });

    test('a deleted state is as if it had never been, and may come again', async () => {
      const store = await opened();
      await store.commit(commitOf(section(null, 1, { a: change(0, 'old', 'tiles') })));
      const deletion: StateChange = {
        fromVersion: 1,
        toVersion: 0,
        fromChecksum: null,
        keepsTiles: false,
        head: { mode: 'delete', bytes: new Uint8Array(0) },
        tiles: null,
      };
      expect(await store.commit(commitOf(section(1, 2, { a: deletion })))).toEqual({ kind: 'ok' });
      expect((await contents(store, ['a'])).states).toEqual([null]);
      await store.commit(commitOf(section(2, 3, { a: change(0, 'new') })));
      expect((await contents(store, ['a'])).states).toEqual([{ version: 1, head: 'new', tiles: null }]);
    });

    test('states are forgotten when their time is over, the checkpoint and newer states are not', async () => {
      const store = await opened();
      await store.commit(commitOf(section(null, 1, { a: change(0, 'x', 'tiles') }, { ttlMs: 40 })));
      await store.commit(commitOf(section(1, 2, { b: change(0, 'y') }, { ttlMs: 60_000 })));
      await expect
        .poll(async () => {
          // An owner commits every second, events or none.
          const beat = section(2, 2);
          await store.commit(
            commitOf({ ...beat, checkpoint: { ...beat.checkpoint, heartbeatMs: Math.min(Date.now(), 1_000) } }),
          );
          return (await contents(store, ['a', 'b'])).states?.map((state) => state?.head ?? null);
        })
        .toEqual([null, 'y']);
      expect((await contents(store, [])).position).toEqual({ 0: 2 });
    });

    test('writing to a state keeps its tiles as long as its head', async () => {
      const store = await opened();
      await store.commit(commitOf(section(null, 1, { a: change(0, 'x', 'tiles') }, { ttlMs: 40 })));
      await store.commit(commitOf(section(1, 2, { a: change(1, 'y') }, { ttlMs: 60_000 })));
      await new Promise((resolve) => setTimeout(resolve, 80));
      expect((await contents(store, ['a'])).states).toEqual([{ version: 2, head: 'xy', tiles: 'tiles' }]);
    });

    test('a state that is written without a time to live is kept for ever, its tiles too', async () => {
      const store = await opened();
      await store.commit(commitOf(section(null, 1, { a: change(0, 'x', 'tiles') }, { ttlMs: 40 })));
      await store.commit(commitOf(section(1, 2, { a: change(1, 'y') })));
      await new Promise((resolve) => setTimeout(resolve, 80));
      const beat = section(2, 2);
      await store.commit(commitOf({ ...beat, checkpoint: { ...beat.checkpoint, heartbeatMs: 1_000 } }));
      expect((await contents(store, ['a'])).states).toEqual([{ version: 2, head: 'xy', tiles: 'tiles' }]);
    });

    test('a commit of 500 entities in three sections is written whole, and read back whole', async () => {
      const store = await opened();
      const names = Array.from({ length: 500 }, (_, index) => `entity ${index}`);
      const changes = Object.fromEntries(names.map((name) => [name, change(0, name.repeat(9), name)]));
      const fingerprints = ['f', 'g', 'h'];
      const sections = fingerprints.map((fingerprint) => section(null, 1, changes, { fingerprint }));
      expect(await store.commit(commitOf(...sections))).toEqual({ kind: 'ok' });
      for (const fingerprint of fingerprints) {
        const { states } = await contents(store, names, fingerprint);
        expect(states).toEqual(names.map((name) => ({ version: 1, head: name.repeat(9), tiles: name })));
      }
    });

    test('a head of several megabytes is kept, and appended to', async () => {
      const store = await opened();
      const megabyte = Buffer.alloc(1_048_576, 'm').toString();
      await store.commit(commitOf(section(null, 0, { a: change(0, megabyte, megabyte) })));
      for (let version = 1; version < 4; version++) {
        const next = section(version - 1, version, { a: change(version, megabyte) });
        expect(await store.commit(commitOf(next))).toEqual({ kind: 'ok' });
      }
      const [state] = (await contents(store, ['a'])).states ?? [];
      expect(state?.head === megabyte.repeat(4) && state.tiles === megabyte).toBe(true);
    });

    test('writers at the same time lose nothing: every commit answered ok is there, and no other', async () => {
      const stores = await Promise.all([opened(), opened(), opened()]);
      const written: string[] = [];
      let refused = 0;
      await Promise.all(
        stores.map(async (store, writer) => {
          const random = randomFrom(writer + 1);
          for (let step = 0; step < 60; step++) {
            const { position: stored, states } = await contents(store, ['a']);
            const position = stored?.[0] ?? null;
            if (random.chance(0.3)) await new Promise((resolve) => setTimeout(resolve, random.int(3)));
            const text = `${writer}:${step};`;
            const next = section(position, (position ?? 0) + 1, { a: change(states?.[0]?.version ?? 0, text) });
            const answer = await store.commit(commitOf(next));
            if (answer.kind === 'ok') written.push(text);
            else refused++;
          }
        }),
      );
      const { position, states } = await contents(await opened(), ['a']);
      const found = (states?.[0]?.head ?? '').split(';').slice(0, -1);
      expect(found.map((text) => `${text};`).toSorted()).toEqual(written.toSorted());
      expect(position).toEqual({ 0: written.length });
      // Otherwise they were not at it at the same time.
      expect(refused).toBeGreaterThan(0);
    });

    test('what is stored can be listed, by namespace', async () => {
      const store = await opened();
      const other = await opened('other');
      await store.commit(commitOf(section(null, 1), section(null, 1, {}, { fingerprint: 'g' })));
      const odd: ShardId = { source: 's', entityKey: 'a/b,{c}~*', partition: 3 };
      await store.commit({ shard: odd, sections: [section(null, 7)] });
      await other.commit(commitOf(section(null, 1)));
      const listed = await store.list();
      const plain = listed.map(({ shard, fingerprint, checkpoint: { position } }) => ({
        shard,
        fingerprint,
        position,
      }));
      const byText = (one: object, two: object): number => (JSON.stringify(one) < JSON.stringify(two) ? -1 : 1);
      expect(plain.toSorted(byText)).toEqual(
        [
          { shard: SHARD, fingerprint: 'f', position: { 0: 1 } },
          { shard: SHARD, fingerprint: 'g', position: { 0: 1 } },
          { shard: odd, fingerprint: 'f', position: { 0: 7 } },
        ].toSorted(byText),
      );
    });

    test('what is dropped is gone, and nothing else', async () => {
      const store = await opened();
      const g = { fingerprint: 'g' };
      await store.commit(
        commitOf(
          section(null, 1, { a: change(0, 'x', 'tiles'), b: change(0, 'y') }),
          section(null, 1, { a: change(0, 'z') }, g),
        ),
      );
      expect(await store.drop(SHARD, 'f')).toBe(2);
      expect(await contents(store, ['a', 'b'])).toEqual({ position: null, states: [null, null] });
      expect((await contents(store, ['a'], 'g')).states).toEqual([{ version: 1, head: 'z', tiles: null }]);
      expect(await store.drop(SHARD, 'f')).toBe(0);
      expect(await store.commit(commitOf(section(1, 2)))).toMatchObject({ kind: 'moved', position: null });
    });

    test('nothing committed is no checkpoint and no states', async () => {
      const store = await opened();
      expect(await contents(store, ['a', 'b'])).toEqual({ position: null, states: [null, null] });
    });

    test('a commit writes the checkpoint and every state; a read gives them back as they were', async () => {
      const store = await opened();
      expect(
        await store.commit(commitOf(section(null, 3, { a: change(0, 'head'), b: change(0, 'h', 'tiles') }))),
      ).toEqual({ kind: 'ok' });
      const [read] = await store.read(SHARD, [{ fingerprint: 'f', entities: ['a', 'b', 'c'] }]);
      expect(read?.checkpoint).toEqual(checkpoint(3));
      expect((await contents(store, ['a', 'b', 'c'])).states).toEqual([
        { version: 1, head: 'head', tiles: null },
        { version: 1, head: 'h', tiles: 'tiles' },
        null,
      ]);
    });

    test('an append goes after the head and leaves the tiles; a replacement takes the place of both', async () => {
      const store = await opened();
      await store.commit(commitOf(section(null, 1, { a: change(0, 'one', 'tiles') })));
      await store.commit(commitOf(section(1, 2, { a: change(1, '+two') })));
      expect((await contents(store, ['a'])).states).toEqual([{ version: 2, head: 'one+two', tiles: 'tiles' }]);
      await store.commit(commitOf(section(2, 3, { a: change(2, 'new', null, 'replace') })));
      expect((await contents(store, ['a'])).states).toEqual([{ version: 3, head: 'new', tiles: 'tiles' }]);
      await store.commit(commitOf(section(3, 4, { a: change(3, 'last', 'tiles2', 'replace') })));
      expect((await contents(store, ['a'])).states).toEqual([{ version: 4, head: 'last', tiles: 'tiles2' }]);
    });

    test('every byte survives, those that are no text too', async () => {
      const store = await opened();
      const all = Buffer.from(Array.from({ length: 512 }, (_, index) => index % 256));
      const write = (fromVersion: number, mode: 'append' | 'replace'): StateChange => ({
        fromVersion,
        toVersion: fromVersion + 1,
        fromChecksum: mode === 'append' ? all.readUInt32LE(all.length - 4) : null,
        keepsTiles: mode === 'append',
        head: { mode, bytes: all },
        tiles: fromVersion === 0 ? all : null,
      });
      await store.commit(commitOf(section(null, 1, { a: write(0, 'replace') })));
      await store.commit(commitOf(section(1, 2, { a: write(1, 'append') })));
      const [read] = await store.read(SHARD, [{ fingerprint: 'f', entities: ['a'] }]);
      expect(Buffer.concat([all, all]).equals(read?.states[0]?.head ?? Buffer.alloc(0))).toBe(true);
      expect(all.equals(read?.states[0]?.tiles ?? Buffer.alloc(0))).toBe(true);
    });

    test('a commit without changes moves the checkpoint', async () => {
      const store = await opened();
      await store.commit(commitOf(section(null, 1)));
      expect(await store.commit(commitOf(section(1, 1)))).toEqual({ kind: 'ok' });
      expect(await store.commit(commitOf(section(1, 5)))).toEqual({ kind: 'ok' });
      expect((await contents(store, [])).position).toEqual({ 0: 5 });
    });

    test('a lower epoch is fenced; an equal one may write; a greater one is taken and fences the lower', async () => {
      const store = await opened();
      await store.commit(commitOf(section(null, 1, {}, { epoch: 2 })));
      expect(await store.commit(commitOf(section(1, 2, {}, { epoch: 1 })))).toEqual({
        kind: 'fenced',
        fingerprint: 'f',
        epoch: 2,
      });
      expect(await store.commit(commitOf(section(1, 2, {}, { epoch: 2 })))).toEqual({ kind: 'ok' });
      expect(await store.commit(commitOf(section(2, 3, {}, { epoch: 7 })))).toEqual({ kind: 'ok' });
      expect(await store.commit(commitOf(section(3, 4, {}, { epoch: 2 })))).toEqual({
        kind: 'fenced',
        fingerprint: 'f',
        epoch: 7,
      });
    });

    test.for([
      ['another position', section(2, 4, { a: change(1, 'x') })],
      ['no position where one is stored', section(null, 4, { a: change(1, 'x') })],
      ['a version that is not the stored one', section(3, 4, { a: change(2, 'x') })],
      ['no version where one is stored', section(3, 4, { a: change(0, 'x') })],
      ['a version where none is stored', section(3, 4, { new: change(1, 'x') })],
    ] as const)('expecting %s is moved, and says what is stored', async ([, expecting]) => {
      const store = await opened();
      await store.commit(commitOf(section(null, 3, { a: change(0, 'old') })));
      expect(await store.commit(commitOf(expecting))).toEqual({ kind: 'moved', fingerprint: 'f', position: { 0: 3 } });
      expect(await contents(store, ['a', 'new'])).toEqual({
        position: { 0: 3 },
        states: [{ version: 1, head: 'old', tiles: null }, null],
      });
    });

    test('expecting a position where nothing is stored is moved', async () => {
      const store = await opened();
      expect(await store.commit(commitOf(section(3, 4)))).toEqual({ kind: 'moved', fingerprint: 'f', position: null });
    });

    test('a section that is refused keeps all sections from being written', async () => {
      const store = await opened();
      await store.commit(commitOf(section(null, 1), section(null, 1, {}, { fingerprint: 'g' })));
      const good = section(1, 2, { a: change(0, 'x') });
      const bad = section(0, 2, { a: change(0, 'x') }, { fingerprint: 'g' });
      expect(await store.commit(commitOf(good, bad))).toMatchObject({ kind: 'moved', fingerprint: 'g' });
      expect(await contents(store, ['a'])).toEqual({ position: { 0: 1 }, states: [null] });
    });

    test('shards, fingerprints and namespaces are apart', async () => {
      const store = await opened();
      await store.commit(commitOf(section(null, 1, { a: change(0, 'x') })));
      const nothing = { position: null, states: [null] };
      expect(await contents(store, ['a'], 'g')).toEqual(nothing);
      expect(await contents(store, ['a'], 'f', { ...SHARD, partition: 1 })).toEqual(nothing);
      expect(await contents(store, ['a'], 'f', { ...SHARD, source: 'other' })).toEqual(nothing);
      expect(await contents(store, ['a'], 'f', { ...SHARD, entityKey: 'dest' })).toEqual(nothing);
      expect(await contents(await opened('other'), ['a'])).toEqual(nothing);
    });

    test('what was committed is there after closing and opening again', async () => {
      const store = await opened();
      await store.commit(commitOf(section(null, 1, { a: change(0, 'x') })));
      await store.close();
      expect((await contents(await opened(), ['a'])).states).toEqual([{ version: 1, head: 'x', tiles: null }]);
    });

    test('entity names are taken as they are', async () => {
      const store = await opened();
      const names = [
        '["a"]',
        '["A"]',
        '["é"]',
        '["e\u0301"]',
        '["𝄞"]',
        '[" "]',
        '{}',
        "'; DROP TABLE states; --",
        '\u0000',
      ];
      await store.commit(commitOf(section(null, 1, Object.fromEntries(names.map((name) => [name, change(0, name)])))));
      expect((await contents(store, names)).states?.map((state) => state?.head)).toEqual(names);
    });

    test('many appends make one head, whatever their sizes', async () => {
      const store = await opened();
      const random = randomFrom(7);
      let head = 'begin';
      await store.commit(commitOf(section(null, 0, { a: change(0, head, 'tiles') })));
      for (let version = 1; version <= 60; version++) {
        const bytes = `${version}:`.repeat(1 + random.int(random.chance(0.1) ? 2_000 : 40));
        head += bytes;
        await store.commit(commitOf(section(version - 1, version, { a: change(version, bytes) })));
        expect((await contents(store, ['a'])).states).toEqual([{ version: version + 1, head, tiles: 'tiles' }]);
      }
    });

    test('an append goes to the bytes that it was made from, and to no others of the same version', async () => {
      const store = await opened();
      const first = section(null, 1, { a: change(0, 'x'), b: change(0, 'y') });
      await store.commit(commitOf(first));
      const made = change(1, '+more');
      for (const fromChecksum of [(END_CHECKSUM ^ 1) >>> 0, (END_CHECKSUM ^ 0x8000_0000) >>> 0, 0]) {
        const other = section(1, 2, { b: made, a: { ...made, fromChecksum } });
        expect(await store.commit(commitOf(other))).toEqual({ kind: 'moved', fingerprint: 'f', position: { 0: 1 } });
      }
      expect((await contents(store, ['a', 'b'])).states).toMatchObject([{ head: 'x' }, { head: 'y' }]);
      expect(await store.commit(commitOf(section(1, 2, { a: made, b: made })))).toEqual({ kind: 'ok' });
      // Now it ends in what was appended last, wherever a store keeps that.
      const again = { ...made, fromVersion: 2, toVersion: 3 };
      const wrong = { ...again, fromChecksum: Buffer.from('more').readUInt32LE() };
      expect(await store.commit(commitOf(section(2, 3, { a: wrong })))).toMatchObject({ kind: 'moved' });
      expect(await store.commit(commitOf(section(2, 3, { a: again })))).toEqual({ kind: 'ok' });
      expect((await contents(store, ['a', 'b'])).states).toMatchObject([{ head: 'x+more+more' }, { head: 'y+more' }]);
    });

    test('a replacement does not ask what the head before it ended in', async () => {
      const store = await opened();
      await store.commit(
        commitOf(section(null, 1, { a: { ...change(0, ''), head: { mode: 'replace', bytes: Buffer.from('x') } } })),
      );
      expect(await store.commit(commitOf(section(1, 2, { a: change(1, '') })))).toMatchObject({ kind: 'moved' });
      expect(await store.commit(commitOf(section(1, 2, { a: change(1, 'new', null, 'replace') })))).toEqual({
        kind: 'ok',
      });
      expect((await contents(store, ['a'])).states).toMatchObject([{ version: 2, head: 'new' }]);
    });

    test('an append to an entity without a state begins its head', async () => {
      const store = await opened();
      await store.commit(commitOf(section(null, 1, { a: change(0, 'x', null, 'append') })));
      expect((await contents(store, ['a'])).states).toEqual([{ version: 1, head: 'x', tiles: null }]);
    });

    test('tiles may be empty', async () => {
      const store = await opened();
      await store.commit(commitOf(section(null, 1, { a: change(0, '', '') })));
      await store.commit(commitOf(section(1, 2, { a: change(1, '') })));
      expect((await contents(store, ['a'])).states).toEqual([{ version: 2, head: '', tiles: '' }]);
    });

    test('a fence is told before a move, whichever section it is in', async () => {
      const store = await opened();
      await store.commit(commitOf(section(null, 1), section(null, 1, {}, { fingerprint: 'g', epoch: 3 })));
      const moved = section(0, 2);
      const fenced = section(0, 2, {}, { fingerprint: 'g', epoch: 2 });
      expect(await store.commit(commitOf(moved, fenced))).toEqual({ kind: 'fenced', fingerprint: 'g', epoch: 3 });
    });

    test('a refused commit does not raise the epoch', async () => {
      const store = await opened();
      await store.commit(commitOf(section(null, 1)));
      expect((await store.commit(commitOf(section(0, 2, {}, { epoch: 9 })))).kind).toBe('moved');
      expect(await store.commit(commitOf(section(1, 2, {}, { epoch: 1 })))).toEqual({ kind: 'ok' });
    });

    test('positions of several partitions are compared whole', async () => {
      const store = await opened();
      const at = (position: Readonly<Record<number, number>>, expected: Readonly<Record<number, number>> | null) => ({
        ...section(null, 0),
        expected: expected === null ? null : { position: expected, buildStartedMs: 1 },
        checkpoint: { ...checkpoint(0), position },
      });
      expect(await store.commit(commitOf(at({ 0: 1, 3: 7 }, null)))).toEqual({ kind: 'ok' });
      for (const wrong of [{ 0: 1 }, { 0: 1, 3: 8 }, { 0: 1, 4: 7 }, { 0: 1, 3: 7, 4: 0 }]) {
        expect((await store.commit(commitOf(at({ 0: 2, 3: 7 }, wrong)))).kind).toBe('moved');
      }
      expect(await store.commit(commitOf(at({ 0: 2, 3: 7 }, { 3: 7, 0: 1 })))).toEqual({ kind: 'ok' });
    });

    test('two fingerprints are read at once, in the order asked for, an entity twice if asked twice', async () => {
      const store = await opened();
      await store.commit(
        commitOf(
          section(null, 1, { a: change(0, 'f') }),
          section(null, 1, { a: change(0, 'g') }, { fingerprint: 'g' }),
        ),
      );
      const read = await store.read(SHARD, [
        { fingerprint: 'g', entities: ['a', 'b', 'a'] },
        { fingerprint: 'none', entities: ['a'] },
        { fingerprint: 'f', entities: ['a'] },
      ]);
      const heads = read.map(({ states }) => states.map((state) => state && textOf(state.head)));
      expect(heads).toEqual([['g', null, 'g'], [null], ['f']]);
    });

    describe('subscriptions', () => {
      const OTHER: ShardId = { ...SHARD, partition: 1 };

      /** Subscribes, and waits until commits of `SHARD` are told. */
      async function listening(store: Store) {
        const heard: CommitNotice[] = [];
        const begun: ShardId[] = [];
        const subscription = store.subscribe({
          onCommit: (notice) => void heard.push(notice),
          onBegin: (shard) => void begun.push(shard),
        });
        closers.push(() => subscription.close());
        subscription.follow(SHARD);
        await expect.poll(() => begun).toEqual([SHARD]);
        return { heard, subscription, begun };
      }

      const told = ({ fingerprint, expected, checkpoint: written, changes }: CommitSection) => ({
        fingerprint,
        expected,
        checkpoint: written,
        entities: changes.map(({ entity }) => entity),
      });

      test('a commit is told once, whole, with all of its sections; in the order of commits', async () => {
        const store = await opened();
        const { heard } = await listening(store);
        const commits = [
          commitOf(
            section(null, 1, { a: change(0, 'x'), 'b"é': change(0, 'y') }),
            section(null, 1, {}, { fingerprint: 'g' }),
          ),
          ...Array.from({ length: 50 }, (_, index) =>
            commitOf(section(index + 1, index + 2, { [`e${index}`]: change(0, 'x') })),
          ),
          commitOf(section(51, 0, {}, { build: 2 })),
        ];
        for (const commit of commits) expect(await store.commit(commit)).toEqual({ kind: 'ok' });
        await expect
          .poll(() => heard)
          .toEqual(commits.map(({ shard, sections }) => ({ shard, sections: sections.map(told) })));
      });

      test('nothing is told of what was refused, of other shards, of other namespaces, and after unfollowing', async () => {
        const store = await opened();
        const elsewhere = await opened('other');
        const { heard, subscription } = await listening(store);
        await store.commit(commitOf(section(5, 6)));
        await store.commit({ shard: OTHER, sections: [section(null, 1)] });
        await elsewhere.commit(commitOf(section(null, 7)));
        await store.commit(commitOf(section(null, 1)));
        await expect.poll(() => heard.length).toBe(1);
        expect(heard[0]?.sections[0]?.checkpoint.position).toEqual({ 0: 1 });
        subscription.unfollow(SHARD);
        subscription.follow(OTHER);
        await store.commit(commitOf(section(1, 2)));
        await expect
          .poll(async () => {
            const [read] = await store.read(OTHER, [{ fingerprint: 'f', entities: [] }]);
            const position = read?.checkpoint?.position[0] ?? 0;
            await store.commit({ shard: OTHER, sections: [section(position, position + 1)] });
            return heard.at(-1)?.shard;
          })
          .toEqual(OTHER);
        expect(heard.filter(({ shard }) => shard.partition === 0)).toHaveLength(1);
      });

      test('what is read when a commit was told is at least that commit', async () => {
        const store = await opened();
        const reads: Promise<number>[] = [];
        let begun = 0;
        const subscription = store.subscribe({
          onBegin: () => void begun++,
          onCommit({ sections: [first] }) {
            const toldAt = first?.checkpoint.position[0] ?? 0;
            reads.push(contents(store, []).then(({ position }) => (position?.[0] ?? 0) - toldAt));
          },
        });
        closers.push(() => subscription.close());
        subscription.follow(SHARD);
        await expect.poll(() => begun).toBe(1);
        for (let position = 0; position < 100; position++) {
          await store.commit(commitOf(section(position === 0 ? null : position, position + 1)));
        }
        await expect.poll(() => reads.length).toBe(100);
        expect(Math.min(...(await Promise.all(reads)))).toBeGreaterThanOrEqual(0);
      });
    });

    test('the store answers a ping', async () => {
      const store = await opened();
      await store.ping();
    });

    test('a store that was closed rejects, and does not crash', async () => {
      const store = await opened();
      await store.close();
      await store.close();
      for (const call of [
        store.ping(),
        store.commit(commitOf(section(null, 1))),
        store.read(SHARD, [{ fingerprint: 'f', entities: ['a'] }]),
      ]) {
        await expect(call).rejects.toMatchObject({ name: 'SkewlessError' });
      }
    });

    test.for([1, 2, 3])('whoever has tiles already reads what all others read, seed %d', async (seed) => {
      await compareKnownTiles(await opened(), SHARD, section, seed);
    });

    test.for([1, 2, 3, 4, 5])('random commits do what a plain model does, seed %d', async (seed) => {
      await compareWithModel(await opened(), seed, 250);
    });
  });
}
