/** The text of an answer is that which `JSON.stringify` makes of the same answer as an object, byte for byte. */
import { expect, test } from 'vitest';
import { createAnswer } from '../../../src/serve/routes/vectors/response.ts';
import { type Fragment, renderFragment, withheldFragment } from '../../../src/vector/fragment.ts';
import { valuesDigest } from '../../../src/vector/receipt.ts';
import { createRandom } from '../../oracle/random.ts';
import { type AnswerCase, expectedAnswer, loadServices, randomAnswer } from './response-cases.ts';

const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
const RUNS = 3_000;

/** A receipt is given the text of its row's values: here it ends in their digest. */
function write({ plan, selection, asOfMs, layout, include, extras: { receipt, explain }, rows }: AnswerCase) {
  const extras = { receipt: receipt === null ? null : (values: string) => receipt + valuesDigest(values), explain };
  const request = {
    rows: [],
    asOfMs,
    include: { ...include, receipt: false, explain: false },
    selection,
    after: new Map(),
    budgetMs: null,
    layout,
  };
  const writer = createAnswer(plan, request, asOfMs);
  for (const row of rows) {
    if (row.kind === 'error') writer.error(row.problem);
    else if (row.kind === 'withheld') writer.withheld('TIMED_OUT', row.asOfMs, extras);
    else {
      const fragments = selection[layout].parts.map((part): Fragment => {
        const view = row.views[part.appearance];
        if (view?.kind !== 'evaluated') return withheldFragment(part, view?.status ?? 'ERROR');
        return renderFragment(part, view.evaluation, { stale: view.stale, completeFromMs: null }, include);
      });
      writer.row({ fragments, request: row.request, asOfMs: row.asOfMs }, extras);
    }
  }
  return writer.end();
}

test(`any answer, in any layout, with any statuses and metadata (seed ${SEED})`, () => {
  const plans = loadServices();
  const random = createRandom(SEED);
  for (let run = 0; run < RUNS; run++) {
    const answer = randomAnswer(random, plans);
    const { text, isAscii } = write(answer);
    expect(text, `seed ${SEED}, run ${run}`).toBe(JSON.stringify(expectedAnswer(answer)));
    // What is said to be ASCII is sent as such.
    if (isAscii) expect(Buffer.from(text, 'latin1').equals(Buffer.from(text, 'utf8')), text).toBe(true);
  }
});

test('an answer of numbers, without errors, is known to be ASCII; a text beyond it is noticed', () => {
  const plan = loadServices().find(({ definition }) => definition.name === 'plain');
  if (plan === undefined) throw new Error('no such service');
  const random = createRandom(1);
  const answers = Array.from({ length: 500 }, () => randomAnswer(random, [plan])).filter(
    ({ rows, extras }) => rows.every(({ kind }) => kind === 'row') && extras.explain === null,
  );
  const written = answers.map(write);
  expect(written.filter(({ isAscii }) => isAscii).length).toBeGreaterThan(10);
  for (const { text, isAscii } of written) expect(isAscii).toBe(Buffer.byteLength(text) === text.length);
});

test('writing changes nothing of what it writes from: ten times give the same', () => {
  const plans = loadServices();
  const random = createRandom(SEED);
  for (let run = 0; run < 20; run++) {
    const answer = { ...randomAnswer(random, plans), extras: { receipt: null, explain: null } };
    const first = write(answer).text;
    for (let round = 0; round < 10; round++) expect(write(answer).text).toBe(first);
  }
});
