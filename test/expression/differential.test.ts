/**
 * The language against DuckDB: random expressions over rows of ordinary and extreme values, each evaluated by both.
 * Where they are documented to differ, the generator says what DuckDB must be asked instead (divergences.ts).
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRandom } from '../oracle/random.ts';
import { difference, type Evaluated, evaluateOurs, tableOf } from './differential/compare.ts';
import { type DuckDb, openDuckDb, type Outcome } from './differential/duckdb.ts';
import { approximateCall } from './differential/generate-calls.ts';
import { createCoverage } from './differential/generate-leaves.ts';
import { createGenerator } from './differential/generate.ts';
import { KINDS, type Kind, type Piece } from './differential/piece.ts';
import { createColumns } from './differential/rows.ts';
import { SOUP_COLUMNS, soup } from './differential/soup.ts';

const SEED = Number(process.env['EXPRESSION_SEED'] ?? 20_130_131);
const ROWS = 64;
const EXPRESSIONS = 6_000;
const SOUPS = 12_000;
const PER_QUERY = 40;

const columns = createColumns(createRandom(SEED), ROWS);
const table = tableOf(columns);
const soupTable = tableOf(SOUP_COLUMNS);
let duckDb: DuckDb;
let soupDb: DuckDb;

beforeAll(async () => {
  [duckDb, soupDb] = [await openDuckDb(columns), await openDuckDb(SOUP_COLUMNS)];
});
afterAll(() => {
  duckDb.close();
  soupDb.close();
});

interface Asked {
  readonly kind: Kind;
  readonly sql: string;
}

/** Of all expressions; one that DuckDB refuses is answered by its message. */
async function evaluateTheirs(database: DuckDb, asked: readonly Asked[]): Promise<(Outcome[] | string)[]> {
  const answers: (Outcome[] | string)[] = [];
  for (let from = 0; from < asked.length; from += PER_QUERY) {
    const some = asked.slice(from, from + PER_QUERY);
    try {
      answers.push(...(await database.evaluate(some)));
    } catch {
      for (const one of some)
        answers.push(...(await database.evaluate([one]).catch((error: Error) => [error.message])));
    }
  }
  return answers;
}

function generatePieces(seed: number): readonly Piece[] {
  const random = createRandom(seed);
  const { generate } = createGenerator(random, columns, createCoverage());
  return Array.from({ length: EXPRESSIONS }, () => {
    if (random.chance(0.1)) {
      return approximateCall(random, (kind) => generate(kind, random.integer(0, 2)), createCoverage());
    }
    return generate(random.chance(0.4) ? 'bool' : random.pick(KINDS), random.integer(1, 4));
  });
}

test(`${EXPRESSIONS} random expressions evaluate as DuckDB evaluates them, errors included (seed ${SEED})`, async () => {
  const pieces = generatePieces(SEED);
  const theirs = await evaluateTheirs(
    duckDb,
    pieces.map(({ kind, duck }) => ({ kind, sql: duck })),
  );
  const wrong: string[] = [];
  for (const [index, { ours: text, duck, approximate }] of pieces.entries()) {
    const [ours, their] = [evaluateOurs(text, table), theirs[index] as Outcome[] | string];
    if (typeof ours === 'string') wrong.push(`${text}\n  refused here: ${ours}`);
    else if (typeof their === 'string') wrong.push(`${text}\n  refused there: ${their}\n  ${duck}`);
    else {
      const found = difference(ours.outcomes, their, columns, approximate);
      if (found !== null) wrong.push(`${text}\n  ${found}\n  ${duck}`);
    }
  }
  expect(wrong.slice(0, 5)).toEqual([]);
});

test(`the canonical form of a random expression is its own canonical form, and evaluates the same (seed ${SEED})`, () => {
  for (const { ours: text } of generatePieces(SEED + 1)) {
    const first = evaluateOurs(text, table) as Evaluated;
    const again = evaluateOurs(first.canonical, table) as Evaluated;
    expect(again, text).toEqual(first);
  }
});

test(`a random expression whose type is not nullable is never null, and its values are of its type (seed ${SEED})`, () => {
  const wrong: string[] = [];
  for (const { ours: text, kind: asked } of generatePieces(SEED + 2)) {
    const { kind, nullable, outcomes } = evaluateOurs(text, table) as Evaluated;
    const unfit = outcomes.find((outcome) => {
      if (typeof outcome === 'symbol') return false;
      return outcome === null ? !nullable : !isOfKind(kind, outcome);
    });
    if (unfit !== undefined || kind !== asked) wrong.push(`${text}: ${String(unfit)}, ${kind}`);
  }
  expect(wrong.slice(0, 5)).toEqual([]);
});

function isOfKind(kind: Kind, value: NonNullable<Outcome>): boolean {
  switch (kind) {
    case 'int':
    case 'timestamp':
      return Number.isSafeInteger(value) && !Object.is(value, -0);
    case 'double':
      return Number.isFinite(value) && !Object.is(value, -0);
    case 'int64':
      return typeof value === 'bigint' && BigInt.asIntN(64, value) === value;
    case 'string':
      return typeof value === 'string' && value.isWellFormed();
    case 'bool':
      return typeof value === 'boolean';
  }
}

test(`operators without parentheses group as in DuckDB, by the same text (seed ${SEED})`, async () => {
  const random = createRandom(SEED);
  const taken = new Map<string, Evaluated>();
  for (let count = 0; count < SOUPS; count++) {
    const text = soup(random);
    const ours = evaluateOurs(text, soupTable);
    if (typeof ours !== 'string') taken.set(text, ours);
  }
  const texts = [...taken.keys()];
  const theirs = await evaluateTheirs(
    soupDb,
    texts.map((sql) => ({ sql, kind: taken.get(sql)?.kind as Kind })),
  );
  const wrong = texts.flatMap((text, index) => {
    const their = theirs[index] as Outcome[] | string;
    if (typeof their === 'string') return [`${text}: refused there: ${their}`];
    const found = difference(taken.get(text)?.outcomes ?? [], their, SOUP_COLUMNS);
    return found === null ? [] : [`${text}: ${found}`];
  });
  expect(wrong.slice(0, 5)).toEqual([]);
  expect(taken.size).toBeGreaterThan(500);
});
