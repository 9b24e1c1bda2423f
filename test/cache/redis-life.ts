/**
 * A tier over a real Redis, with a writer beside it: every answer is judged by the commits that were acknowledged. State
 * of the entity at position p is p letters, so that what is served tells which prefix it is of.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type Tier, createTier } from '../../src/cache/tier.ts';
import { readShards, shardText } from '../../src/serve/shard-reads.ts';
import type { ShardId, Store, Subscription } from '../../src/store/store.ts';
import { textOf as withoutEnds } from '../contract/ended.ts';
import { commitOf, positionIn } from '../store/redis-support.ts';
import { decode, textOf } from './sim-store.ts';

export const STALENESS_MS = 300;
/** Between a request and the judgement of it this process may have been kept from running. */
const SLACK_MS = 5;
const ENTITY = 'a';
const WANTED = new Map([['f', new Set([ENTITY])]]);

export interface RedisLife {
  readonly tier: Tier;
  /** Position of the latest notice that the tier heard. */
  heardTo(): number;
  begun(): number;
  position(): number;
  answers(): number;
  /** From here on notices are swallowed, without a word, or no longer. */
  swallow(swallowed: boolean): void;
  /** Writes, asks and judges for so long; throws what was wrong with an answer. */
  run(forMs: number): Promise<void>;
  close(): Promise<void>;
}

const decodeEnded: typeof decode = (fingerprint, stored) =>
  decode(fingerprint, { ...stored, head: Buffer.from(withoutEnds(stored.head)) });

/** `listening` may go another way than `reading`. */
export async function startRedisLife(
  shard: ShardId,
  stores: { readonly writing: Store; readonly reading: Store; readonly listening: Store },
): Promise<RedisLife> {
  const { writing, reading, listening } = stores;
  const clock = { nowMs: () => performance.now() };
  /** Position → when the commit that leads beyond it was acknowledged. */
  const leftAtMs = new Map<number, number>();
  let [position, heardTo, begun, answers, swallowed] = [0, 0, 0, 0, false];
  const subscribe = (listener: Parameters<Store['subscribe']>[0]): Subscription =>
    listening.subscribe({
      onBegin(one) {
        begun++;
        listener.onBegin(one);
      },
      onCommit(notice) {
        if (swallowed) return;
        heardTo = notice.sections[0]?.checkpoint.position[shard.partition] ?? 0;
        listener.onCommit(notice);
      },
    });
  const tier = createTier({ store: { ...reading, subscribe }, decode: decodeEnded, clock, stalenessMs: STALENESS_MS });
  tier.start();

  async function write(): Promise<void> {
    const step = { from: position === 0 ? null : position, to: position + 1, changes: { [ENTITY]: position } };
    const answer = await writing.commit(commitOf(step, shard)).catch(() => null);
    const stored = answer?.kind === 'ok' ? position + 1 : await positionIn(writing, shard).catch(() => null);
    if (stored === null || stored === position) return;
    leftAtMs.set(position, clock.nowMs());
    position = stored;
  }

  async function ask(): Promise<void> {
    const beganMs = clock.nowMs();
    const limits = { readLimitMs: 2_000, budgetLeftMs: Number.POSITIVE_INFINITY };
    const outcome = (
      await readShards(tier, new Map([[shardText(shard), { id: shard, entities: new Map(WANTED) }]]), limits)
    ).get(shardText(shard));
    if (outcome?.kind !== 'read') return;
    answers++;
    const section = outcome.sections.get('f');
    const at = section?.checkpoint?.position[shard.partition] ?? 0;
    const entry = section?.states.get(ENTITY);
    const text = entry?.kind === 'state' ? textOf(entry.state) : null;
    if ((text ?? '').length !== at) throw new Error(`inexact: at ${at} there are ${at} letters, served ${text}`);
    const ageMs = beganMs - (leftAtMs.get(at) ?? Number.POSITIVE_INFINITY);
    if (ageMs > STALENESS_MS + SLACK_MS) throw new Error(`position ${at} was left ${ageMs} ms before it was asked for`);
  }

  return {
    tier,
    heardTo: () => heardTo,
    begun: () => begun,
    position: () => position,
    answers: () => answers,
    swallow: (on) => void (swallowed = on),
    async run(forMs) {
      const endMs = clock.nowMs() + forMs;
      const until = async (work: () => Promise<void>, pauseMs: number): Promise<void> => {
        while (clock.nowMs() < endMs) {
          await work();
          await delay(pauseMs);
        }
      };
      await Promise.all([until(write, 4), until(ask, 1), until(ask, 3)]);
    },
    close: () => tier.close(),
  };
}
