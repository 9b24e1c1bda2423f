import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import fc from 'fast-check';
import { SkewlessError } from '../../src/core/errors.ts';
import { CIRCUIT_BOUNDS, createCircuits } from '../../src/serve/circuits.ts';
import type { ShardId, ShardRead, Store } from '../../src/store/store.ts';
import { createMemoryStore, outage } from '../simulation/memory-store.ts';

const { failuresMax, openMs, readMs } = CIRCUIT_BOUNDS;

const shardOn = (node: string): ShardId => ({ source: node, entityKey: 'k', partition: 0 });
const ANSWER: readonly ShardRead[] = [];

/** A store whose shards are on the node that their source names, and which answers as `answer` does. */
function storeOf(answer: (node: string) => Promise<readonly ShardRead[]>): { readonly store: Store; asked: number } {
  const counted = {
    asked: 0,
    store: {
      ...createMemoryStore(),
      nodeOf: ({ source }: ShardId) => source,
      read: ({ source }: ShardId) => {
        counted.asked++;
        return answer(source);
      },
    },
  };
  return counted;
}

const codeOf = (error: unknown): string => (error instanceof SkewlessError ? error.code : String(error));

describe('in fake time', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test('as many failures in a row as allowed open the circuit of that node, and of no other', async () => {
    const counted = storeOf((node) => (node === 'a' ? Promise.reject(outage()) : Promise.resolve(ANSWER)));
    const changes: string[] = [];
    const circuits = createCircuits((node, state) => changes.push(`${node} ${state}`));
    const store = circuits.guard(counted.store);
    for (let read = 0; read < failuresMax; read++) {
      expect(circuits.isAway(shardOn('a'))).toBe(false);
      await expect(store.read(shardOn('a'), [])).rejects.toMatchObject({ code: 'store_unavailable' });
    }
    expect(circuits.isAway(shardOn('a'))).toBe(true);
    await expect(store.read(shardOn('a'), [])).rejects.toMatchObject({ code: 'store_unavailable', retryable: true });
    expect(counted.asked).toBe(failuresMax);
    expect(await store.read(shardOn('b'), [])).toBe(ANSWER);
    expect(circuits.isAway(shardOn('b'))).toBe(false);
    expect(circuits.report()).toEqual(
      expect.arrayContaining([
        { node: 'a', state: 'open', opened: 1 },
        { node: 'b', state: 'closed', opened: 0 },
      ]),
    );
    expect(changes).toEqual(['a open']);
  });

  test('one probe at a time is let through, the others fail at once meanwhile, and its answer closes the circuit', async () => {
    const probe = Promise.withResolvers<readonly ShardRead[]>();
    let answer = (): Promise<readonly ShardRead[]> => Promise.reject(outage());
    const counted = storeOf(() => answer());
    const changes: string[] = [];
    const circuits = createCircuits((node, state) => changes.push(`${node} ${state}`));
    const store = circuits.guard(counted.store);
    for (let read = 0; read < failuresMax; read++) await store.read(shardOn('a'), []).catch(codeOf);
    await vi.advanceTimersByTimeAsync(openMs);
    // A probe that fails is no news, and begins another wait.
    expect(await store.read(shardOn('a'), []).catch(codeOf)).toBe('store_unavailable');
    expect(await store.read(shardOn('a'), []).catch(codeOf)).toBe('store_unavailable');
    expect(counted.asked).toBe(failuresMax + 1);
    await vi.advanceTimersByTimeAsync(openMs);
    answer = () => probe.promise;
    const probing = store.read(shardOn('a'), []);
    expect(circuits.report()).toEqual([{ node: 'a', state: 'half_open', opened: 2 }]);
    expect(await store.read(shardOn('a'), []).catch(codeOf)).toBe('store_unavailable');
    expect(counted.asked).toBe(failuresMax + 2);
    probe.resolve(ANSWER);
    expect(await probing).toBe(ANSWER);
    expect(circuits.isAway(shardOn('a'))).toBe(false);
    expect(await store.read(shardOn('a'), [])).toBe(ANSWER);
    expect(changes).toEqual(['a open', 'a closed']);
  });

  test('a read without an answer is a failed one after the limit', async () => {
    const counted = storeOf(() => new Promise(() => undefined));
    const circuits = createCircuits();
    const store = circuits.guard(counted.store);
    const reads = Array.from({ length: failuresMax }, () => store.read(shardOn('a'), []).catch(codeOf));
    await vi.advanceTimersByTimeAsync(readMs - 1);
    expect(circuits.isAway(shardOn('a'))).toBe(false);
    await vi.advanceTimersByTimeAsync(2);
    expect(await Promise.all(reads)).toEqual(reads.map(() => 'store_unavailable'));
    expect(circuits.isAway(shardOn('a'))).toBe(true);
  });

  test('a node that refuses for good is there: what waiting cannot mend opens nothing', async () => {
    const counted = storeOf(() => Promise.reject(new SkewlessError('store_forbidden', 'no')));
    const circuits = createCircuits();
    const store = circuits.guard(counted.store);
    for (let read = 0; read < 3 * failuresMax; read++) {
      expect(await store.read(shardOn('a'), []).catch(codeOf)).toBe('store_forbidden');
    }
    expect(circuits.isAway(shardOn('a'))).toBe(false);
  });

  test('nodes that are remembered are bounded', async () => {
    const counted = storeOf(() => Promise.reject(outage()));
    const circuits = createCircuits(undefined, { ...CIRCUIT_BOUNDS, failuresMax: 1, nodesMax: 3 });
    const store = circuits.guard(counted.store);
    for (const node of ['a', 'b', 'c', 'd']) await store.read(shardOn(node), []).catch(codeOf);
    expect(
      circuits
        .report()
        .map(({ node }) => node)
        .toSorted(),
    ).toEqual(['b', 'c', 'd']);
    expect(['a', 'd'].map((node) => circuits.isAway(shardOn(node)))).toEqual([false, true]);
  });

  test('any sequence of answers, failures and pauses leads where the four transitions lead', async () => {
    const step = fc.oneof(
      fc.constantFrom('ok', 'fail').map((kind) => ({ kind, ms: 0 })),
      fc.constantFrom(1, openMs - 1, openMs).map((ms) => ({ kind: 'pause', ms })),
    );
    const seed = Date.now() % 1_000_000;
    console.log(`circuits: seed ${seed}`);
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        let answers = true;
        const counted = storeOf(() => (answers ? Promise.resolve(ANSWER) : Promise.reject(outage())));
        const circuits = createCircuits();
        const store = circuits.guard(counted.store);
        const model = { failures: 0, openForMs: null as number | null, asked: 0 };
        for (const { kind, ms } of steps) {
          if (kind === 'pause') {
            await vi.advanceTimersByTimeAsync(ms);
            if (model.openForMs !== null) model.openForMs += ms;
            continue;
          }
          answers = kind === 'ok';
          await store.read(shardOn('a'), []).catch(codeOf);
          if (model.openForMs === null || model.openForMs >= openMs) {
            model.asked++;
            const wasOpen = model.openForMs !== null;
            model.failures = answers ? 0 : model.failures + 1;
            model.openForMs = !answers && (wasOpen || model.failures >= failuresMax) ? 0 : null;
          }
          expect(counted.asked).toBe(model.asked);
          expect(circuits.isAway(shardOn('a'))).toBe(model.openForMs !== null);
        }
      }),
      { seed, numRuns: 300 },
    );
  });
});

test('an answer that is there is not too late only because this process was busy', async () => {
  const random = (): Promise<readonly ShardRead[]> => new Promise((resolve) => randomBytes(1, () => resolve(ANSWER)));
  const counted = storeOf(random);
  const store = createCircuits(undefined, { ...CIRCUIT_BOUNDS, readMs: 20 }).guard(counted.store);
  const read = store.read(shardOn('a'), []);
  const untilMs = performance.now() + 60;
  while (performance.now() < untilMs);
  expect(await read).toBe(ANSWER);
});
