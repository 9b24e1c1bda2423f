/**
 * Reads of shards. Each is one `MGET`, so its sections reflect one moment: it takes Redis a fifth of the time that a
 * script takes, which would copy every state, and is answered where memory has run out, as a transaction is not. Reads
 * asked for in one turn go out together, one pipeline for each node: a request costs one round trip however many shards
 * it reads.
 *
 * Tiles that the reader has are not asked for. If a head turns out to belong with others, all is read once more, with its
 * tiles: what is answered is of one moment.
 */
import type { Cluster } from 'ioredis';
import { belongsWith } from '../state/codec.ts';
import type { StoredState } from '../state/state.ts';
import type { RedisClient } from './redis-client.ts';
import { BUILD_BYTES, PREFIX_BYTES, parseCheckpoint } from './redis-commit.ts';
import { isRedirection } from './redis-faults.ts';
import { slotOf } from './redis-keys.ts';
import type { ReadSection, ShardRead } from './store.ts';

export interface RedisReads {
  read(tag: string, sections: readonly ReadSection[]): Promise<ShardRead[]>;
  /** Sends what was asked for so far, before another command is sent: commands keep the order in which they were asked for. */
  send(): void;
}

type Values = readonly (Buffer | null)[];

interface Wanted {
  readonly tag: string;
  readonly keys: string[];
  readonly resolve: (values: Values) => void;
  readonly reject: (error: unknown) => void;
}

export function createReads(client: RedisClient): RedisReads {
  let wanted: Wanted[] = [];
  const values = (tag: string, keys: string[]): Promise<Values> =>
    new Promise((resolve, reject) => {
      if (wanted.length === 0) queueMicrotask(send);
      wanted.push({ tag, keys, resolve, reject });
    });
  function send(): void {
    if (wanted.length === 0) return;
    const all = wanted;
    wanted = [];
    for (const group of groupsByNode(client, all)) void (group.length === 1 ? sendOne : sendTogether)(client, group);
  }
  return {
    async read(tag, sections) {
      if (sections.length === 0) return [];
      const reads = readsOf(sections, await values(tag, keysOf(tag, sections)));
      if (!reads.includes(null)) return reads as ShardRead[];
      const whole = sections.map(({ fingerprint, entities }) => ({ fingerprint, entities }));
      return readsOf(whole, await values(tag, keysOf(tag, whole))) as ShardRead[];
    },
    send,
  };
}

/** A pipeline goes to one node. Where a cluster's slots are not known yet, each read finds its own way. */
function groupsByNode(client: RedisClient, all: readonly Wanted[]): readonly (readonly Wanted[])[] {
  if (!('slots' in client)) return [all];
  const { slots } = client as Cluster;
  const groups = Map.groupBy(all, ({ tag }) => slots[slotOf(tag.slice(1, -1))]?.join(';') ?? tag);
  return [...groups.values()];
}

async function sendOne(client: RedisClient, [wanted]: readonly Wanted[]): Promise<void> {
  if (wanted === undefined) return;
  await client.mgetBuffer(wanted.keys).then(wanted.resolve, wanted.reject);
}

/** A pipeline's promise says nothing of its commands: each answer is looked at. */
async function sendTogether(client: RedisClient, group: readonly Wanted[]): Promise<void> {
  try {
    const answers = await client.pipeline(group.map(({ keys }) => ['mgetBuffer', ...keys])).exec();
    for (const [index, wanted] of group.entries()) {
      const [error, values] = answers?.[index] ?? [new Error('the pipeline was not answered'), null];
      if (error === null) wanted.resolve(values as Values);
      // A slot that moves answers for itself alone, and ioredis follows it when asked alone.
      else if (isRedirection(error)) void sendOne(client, [wanted]);
      else wanted.reject(error);
    }
  } catch (error) {
    for (const wanted of group) wanted.reject(error);
  }
}

function keysOf(tag: string, sections: readonly ReadSection[]): string[] {
  return sections.flatMap(({ fingerprint, entities, knownTiles }) => [
    `${tag}c:${fingerprint}`,
    ...entities.flatMap((entity) => {
      const head = `${tag}h:${fingerprint}:${entity}`;
      return knownTiles?.has(entity) ? [head] : [head, `${tag}t:${fingerprint}:${entity}`];
    }),
  ]);
}

/** Null of a section with a head that belongs with other tiles than those known. */
function readsOf(sections: readonly ReadSection[], values: Values): (ShardRead | null)[] {
  let at = 0;
  return sections.map(({ entities, knownTiles }) => {
    const stored = values[at++];
    const checkpoint = stored ? parseCheckpoint(stored.toString()) : null;
    let isWhole = true;
    const states = entities.map((entity) => {
      const known = knownTiles?.get(entity);
      const head = values[at++];
      const tiles = known === undefined ? values[at++] : null;
      if (checkpoint === null) return null;
      const state = stateOf(checkpoint.buildStartedMs, head, tiles);
      if (known === undefined || state === null) return state;
      isWhole &&= belongsWith(state.head, known);
      return { ...state, tiles: known };
    });
    return isWhole ? { checkpoint, states } : null;
  });
}

/** Null where there is none of the build. */
function stateOf(build: number, head: Buffer | null | undefined, tiles: Buffer | null | undefined): StoredState | null {
  if (!head || head.length < PREFIX_BYTES || head.readDoubleBE() !== build) return null;
  const ofBuild = tiles && tiles.length >= BUILD_BYTES && tiles.readDoubleBE() === build;
  return {
    version: head.readDoubleBE(BUILD_BYTES),
    head: head.subarray(PREFIX_BYTES),
    tiles: ofBuild ? tiles.subarray(BUILD_BYTES) : null,
  };
}
