/** What the differential test generates: everything in the language, often enough to mean something. */
import { expect, test } from 'vitest';
import { CONVERSIONS } from '../../src/expression/cast.ts';
import { FUNCTIONS } from '../../src/expression/functions.ts';
import { createRandom } from '../oracle/random.ts';
import { evaluateOurs, tableOf } from './differential/compare.ts';
import { DIVERGENCES } from './differential/divergences.ts';
import { ERROR } from './differential/duckdb.ts';
import { CASTS } from './differential/generate-casts.ts';
import { approximateCall, CALLS, NOT_IN_DUCKDB } from './differential/generate-calls.ts';
import { createCoverage } from './differential/generate-leaves.ts';
import { createGenerator } from './differential/generate.ts';
import { KINDS, type Piece } from './differential/piece.ts';
import { createColumns } from './differential/rows.ts';

const SEED = 20_130_131;
const EXPRESSIONS = 6_000;
/** Of 6,000 expressions, how many times each thing appears at least. */
const TIMES_MIN = 20;

const columns = createColumns(createRandom(SEED), 64);
const coverage = createCoverage();
const pieces = ((): readonly Piece[] => {
  const random = createRandom(SEED);
  const { generate } = createGenerator(random, columns, coverage);
  return Array.from({ length: EXPRESSIONS }, () => {
    if (random.chance(0.1)) return approximateCall(random, (kind) => generate(kind, random.integer(0, 2)), coverage);
    return generate(random.chance(0.4) ? 'bool' : random.pick(KINDS), random.integer(1, 4));
  });
})();

const OPERATORS = [
  'double /',
  'timestamp - timestamp',
  'sign -',
  'sign +',
  '||',
  'AND',
  'OR',
  'NOT',
  'IN',
  'NOT IN',
  'IN of literals',
  'IN of columns',
  'BETWEEN',
  'NOT BETWEEN',
  'CASE',
  'CASE of a subject',
  'if',
  'nullif',
  'coalesce',
  'ifnull',
  'least',
  'greatest',
  'compare int with double',
  'compare int with int64',
  'compare double with int',
  ...['int', 'int64', 'double'].flatMap((kind) => ['+', '-', '*', '%'].map((sign) => `${kind} ${sign}`)),
  ...['=', '<>', '!=', '<', '<=', '>', '>=', 'IS DISTINCT FROM', 'IS NOT DISTINCT FROM'].map(
    (sign) => `compare ${sign}`,
  ),
  ...['NULL', 'NOT NULL', 'TRUE', 'NOT TRUE', 'FALSE', 'NOT FALSE'].map((name) => `IS ${name}`),
  ...KINDS.map((kind) => `compare ${kind} with ${kind}`),
  ...KINDS.map((kind) => `literal ${kind}`),
];

test.each([
  ['operator', OPERATORS],
  ['call', CALLS.map(({ names, parameters }) => `call ${names[0]}/${parameters.length}`)],
  ['cast', CASTS.map(({ from, to }) => `cast ${from} to ${to}`)],
])(`every %s is generated at least ${TIMES_MIN} times`, (_what, expected) => {
  expect(expected.filter((each) => (coverage.counts.get(each) ?? 0) < TIMES_MIN)).toEqual([]);
});

test('every function of the language is generated, or is one that DuckDB has no equal of', () => {
  const generated = new Set([...CALLS.flatMap(({ names }) => names), ...NOT_IN_DUCKDB]);
  expect([...FUNCTIONS.keys()].filter((name) => !generated.has(name))).toEqual([]);
});

test('every cast of the language is generated, but the one whose digits differ', () => {
  const generated = new Set(CASTS.map(({ from, to }) => `${from} to ${to}`));
  const missing = Object.entries(CONVERSIONS).flatMap(([from, targets]) =>
    Object.keys(targets)
      .filter((to) => !generated.has(`${from} to ${to}`))
      .map((to) => `${from} to ${to}`),
  );
  expect(missing).toEqual(['double to string']);
});

test('every difference that is translated is met, and none that is avoided', () => {
  for (const [name, { handled }] of Object.entries(DIVERGENCES)) {
    const times = coverage.counts.get(`divergence ${name}`) ?? 0;
    if (handled === 'avoided') expect(times, name).toBe(0);
    else expect(times, name).toBeGreaterThanOrEqual(TIMES_MIN);
  }
});

test('nulls, errors and values all come out, and rows of one expression differ', () => {
  const table = tableOf(columns);
  let [withNull, withError, varied] = [0, 0, 0];
  for (const { ours } of pieces) {
    const evaluated = evaluateOurs(ours, table);
    if (typeof evaluated === 'string') throw new Error(`${ours}: ${evaluated}`);
    if (evaluated.outcomes.includes(null)) withNull += 1;
    if (evaluated.outcomes.includes(ERROR)) withError += 1;
    if (new Set(evaluated.outcomes).size > 2) varied += 1;
  }
  expect(withNull / EXPRESSIONS).toBeGreaterThan(0.4);
  expect(withError / EXPRESSIONS).toBeGreaterThan(0.15);
  expect(varied / EXPRESSIONS).toBeGreaterThan(0.6);
});
