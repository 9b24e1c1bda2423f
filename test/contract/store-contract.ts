/** What every `Store` adapter promises. An adapter's test file gives a way to open it, and runs this. */
import { afterEach, describe, expect, test } from 'vitest';
import type { StateChange } from '../../src/state/state.ts';
import type { Checkpoint, Commit, CommitSection, ShardId, Store } from '../../src/store/store.ts';
import { randomFrom } from './random.ts';

const SHARD: ShardId = { source: 'flights', entityKey: 'origin', partition: 0 };

function checkpoint(position: number, epoch = 1): Checkpoint {
  return {
    position: { 0: position },
    epoch,
    owner: 'test',
    heartbeatMs: 5,
    caughtUpAtMs: null,
    buildTarget: { 0: 9 },
    completeFromMs: null,
    watermarkMs: position * 10,
  };
}

function change(
  fromVersion: number,
  bytes: string,
  tiles: string | null = null,
  mode: 'append' | 'replace' = fromVersion === 0 ? 'replace' : 'append',
): StateChange {
  return {
    fromVersion,
    toVersion: fromVersion + 1,
    head: { mode, bytes: Buffer.from(bytes) },
    tiles: tiles === null ? null : Buffer.from(tiles),
  };
}

function section(
  from: number | null,
  to: number,
  changes: Readonly<Record<string, StateChange>> = {},
  more: { fingerprint?: string; epoch?: number } = {},
): CommitSection {
  return {
    fingerprint: more.fingerprint ?? 'f',
    expectedPosition: from === null ? null : { 0: from },
    checkpoint: checkpoint(to, more.epoch),
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
          head: Buffer.from(state.head).toString(),
          tiles: state.tiles && Buffer.from(state.tiles).toString(),
        },
    ),
  };
}

export function describeStoreContract(adapter: string, open: (namespace: string) => Promise<Store>): void {
  describe(`the Store contract, ${adapter}`, () => {
    const stores: Store[] = [];
    const opened = async (namespace = 'n'): Promise<Store> => {
      const store = await open(namespace);
      stores.push(store);
      return store;
    };
    afterEach(async () => {
      for (const store of stores.splice(0)) await store.close();
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

    test('a store that was closed rejects, and does not crash', async () => {
      const store = await opened();
      await store.close();
      await expect(store.ping()).rejects.toThrow();
      await expect(store.commit(commitOf(section(null, 1)))).rejects.toThrow();
    });

    test.for([1, 2, 3, 4, 5])('random commits do what a plain model does, seed %d', async (seed) => {
      const store = await opened();
      const random = randomFrom(seed);
      const model = {
        position: null as number | null,
        epoch: 0,
        states: new Map<string, { version: number; head: string; tiles: string | null }>(),
      };
      for (let step = 0; step < 200; step++) {
        const epoch = Math.max(1, model.epoch + random.pick([0, 0, 0, 0, 1, -1]));
        const from = random.chance(0.9) ? model.position : random.int(5);
        const to = (model.position ?? 0) + random.int(3);
        const changes: Record<string, StateChange> = {};
        for (const name of ['a', 'b', 'c', 'd'].filter(() => random.chance(0.4))) {
          const known = model.states.get(name)?.version ?? 0;
          const fromVersion = random.chance(0.95) ? known : known + 1;
          const append = fromVersion > 0 && random.chance(0.6);
          changes[name] = change(
            fromVersion,
            `${step};`,
            append || random.chance(0.5) ? null : `t${step}`,
            append ? 'append' : 'replace',
          );
        }
        const result = await store.commit(commitOf(section(from, to, changes, { epoch })));
        const versionsFit = Object.entries(changes).every(
          ([name, each]) => (model.states.get(name)?.version ?? 0) === each.fromVersion,
        );
        const expected = epoch < model.epoch ? 'fenced' : from !== model.position || !versionsFit ? 'moved' : 'ok';
        expect(result.kind, `seed ${seed}, step ${step}`).toBe(expected);
        if (expected !== 'ok') continue;
        model.position = to;
        model.epoch = epoch;
        for (const [name, { toVersion, head, tiles }] of Object.entries(changes)) {
          const before = model.states.get(name);
          const text = Buffer.from(head.bytes).toString();
          model.states.set(name, {
            version: toVersion,
            head: head.mode === 'append' ? (before?.head ?? '') + text : text,
            tiles: tiles === null ? (before?.tiles ?? null) : Buffer.from(tiles).toString(),
          });
        }
      }
      const expected = ['a', 'b', 'c', 'd'].map((name) => model.states.get(name) ?? null);
      expect(await contents(store, ['a', 'b', 'c', 'd'])).toEqual({
        position: model.position === null ? null : { 0: model.position },
        states: expected,
      });
    });
  });
}
