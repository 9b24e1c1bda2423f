/**
 * Receipts of the running app, checked against its log: every vector is the same bits, or it is said which value is not, from
 * which events, or why nothing can be said.
 */
import { expect, test } from 'vitest';
import { AGGREGATIONS } from '../../src/aggregate/table.ts';
import type { Definitions } from '../../src/definition/definition.ts';
import type { Log } from '../../src/log/log.ts';
import { createLogReader } from '../../src/replay/log-events.ts';
import type { Served } from '../../src/replay/verify-check.ts';
import { verify } from '../../src/replay/verify.ts';
import { parseReceipt } from '../../src/vector/receipt.ts';
import { createRandom } from '../oracle/random.ts';
import type { Harness } from '../serve/harness.ts';
import { LIFE_NOW_MS, appendOne, eraseCustomer, randomAsk, startLife } from './life.ts';

interface Vector {
  readonly values: readonly unknown[];
  readonly status: readonly string[];
  readonly receipt: string;
  readonly issues?: Readonly<Record<string, string>>;
}

function servedOf({ receipt, values, status }: Vector): Served {
  const parsed = parseReceipt(receipt);
  if (!parsed.ok) throw new Error(parsed.problem);
  return { receipt: parsed.receipt, values, statuses: status, features: null, issues: null };
}

function verifyAll(log: Log, { services }: Definitions, served: readonly Served[], eventsMax = 100_000) {
  return verify(served, {
    aggregations: AGGREGATIONS,
    serviceOf: (_name, fingerprint) =>
      Promise.resolve([...services.values()].find((each) => each.fingerprint === fingerprint) ?? null),
    readers: ({ topic }) => Promise.resolve(createLogReader(log, topic, 'sqlite:test')),
    eventsMax,
    nowMs: LIFE_NOW_MS,
    signal: new AbortController().signal,
  });
}

async function ask({ vectors }: Harness, seed: number, count: number): Promise<readonly Vector[]> {
  const random = createRandom(seed);
  const asked: Vector[] = [];
  for (let index = 0; index < count; index++) {
    const { timestamp, ...entity } = randomAsk(random);
    const include = ['status', 'receipt'];
    const answer = await vectors('scoring', { entities: [entity], as_of: timestamp, include });
    asked.push(answer.json.vectors[0] as Vector);
  }
  return asked;
}

test.each([
  ['whole', 1, false],
  ['that lacks the head of a partition', 2, true],
] as const)(
  'over a log %s, each receipt is verified: the same bits, also once more has come',
  async (_what, seed, truncate) => {
    const life = await startLife(seed, truncate);
    const { log, definitions } = life;
    const asked = await ask(life, seed, 150);
    const served = asked.map(servedOf);
    const found = await verifyAll(log, definitions, served);
    expect(found.map(({ result, reason, differences }) => [result, reason, differences])).toEqual(
      found.map(() => ['same_bits', null, []]),
    );
    for (let index = 0; index < 200; index++) {
      const customer = `c${index % 12}`;
      const payment = { id: `more${index}`, customer, merchant: 'm1', at: LIFE_NOW_MS - index * 1_000_000, amount: 5 };
      await appendOne(log, 'payments', customer, payment, LIFE_NOW_MS);
    }
    const later = await verifyAll(log, definitions, served);
    expect(new Set(later.map(({ result }) => result))).toEqual(new Set(['same_bits']));
    expect(new Set(asked.flatMap(({ status }) => status))).toContain(truncate ? 'INCOMPLETE' : 'NOT_FOUND');
  },
);
