/** The canonical form: what fingerprints hash. Writing leaves no trace in it, meaning always does. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compiled, problemsOf } from './support.ts';

const canonical = (text: string): string => compiled(text).canonical;

test.each([
  ['i+1', '  i  +\n1 -- one more', '((i) + (1))', 'i /* the count */ + 1'],
  ['p and q', 'p AND q', '(p) And (q)'],
  ['p AND q AND i > 1', 'p AND (q AND i > 1)', '(p AND q) AND i > 1'],
  ['p OR q OR p', 'p OR (q OR p)'],
  ['i <> 1', 'i != 1'],
  ['CAST(i AS double)', 'i::double', 'cast(i as float8)', 'CAST(i AS DOUBLE PRECISION)'],
  ['CAST(w AS int)', 'w::INTEGER'],
  ['power(i, 2)', 'POW(i, 2)', 'pow(i,2)'],
  ['ceil(x)', 'ceiling(x)'],
  ['substring(s, 1, 2)', 'SUBSTR(s, 1, 2)', 'substring(s FROM 1 FOR 2)'],
  ['trim(s)', 'TRIM(BOTH FROM s)'],
  ['coalesce(i, 0)', 'COALESCE(i, 0)', 'ifnull(i, 0)'],
  ['i % 2', 'mod(i, 2)'],
  ['CASE WHEN p THEN 1 ELSE 2 END', 'if(p, 1, 2)', 'case when (p) then (1) else 2 end'],
  ['2.50', '2.5', '25e-1', '2.5E0'],
  ['7', '007', '- -7'],
  ['i', '"i"', '+i', '(i)'],
  ["'it''s'", "('it''s')"],
  ['p IS NULL', '(p) is null', 'p ISNULL'],
  ['p IS NOT NULL', 'p NOTNULL'],
  ['i NOT IN (1, 2)', 'i not in (1,2)'],
  ['NULL + i', 'null + i'],
  ['TRUE OR p', 'true or p'],
])('%s and its other spellings', (text, ...others) => {
  for (const other of others) expect(canonical(other), other).toBe(canonical(text));
});

test.each([
  ['i + 1', 'i - 1', '1 + i', 'j + 1', 'i + 2', 'i + 1.0', 'i + 1 + 0'],
  ['i - (j - 1)', 'i - j - 1'],
  ['p AND q', 'q AND p', 'p OR q', 'NOT (p AND q)'],
  ['(p AND q) OR p', 'p AND (q OR p)'],
  ['NOT p AND q', 'NOT (p AND q)'],
  ['i < 1', 'i <= 1', 'i > 1'],
  ['i IN (1, 2)', 'i IN (2, 1)', 'i NOT IN (1, 2)', 'i IN (1)'],
  ['i BETWEEN 1 AND 2', 'i NOT BETWEEN 1 AND 2', 'i BETWEEN 2 AND 1'],
  ['CASE i WHEN 1 THEN 2 END', 'CASE WHEN i = 1 THEN 2 END', 'CASE i WHEN 1 THEN 2 ELSE 2 END'],
  ['CAST(i AS double)', 'CAST(i AS int64)', 'CAST(CAST(i AS int64) AS double)'],
  ["'a'", "'A'", "' a'", "'a '", "''''"],
  ["'1'", '1', '1.0', 'true', '-1'],
  ['p IS NULL', 'p IS NOT NULL', 'p IS FALSE', 'p IS TRUE', 'p IS NOT TRUE', 'NOT p'],
  ['i IS DISTINCT FROM j', 'i IS NOT DISTINCT FROM j', 'i = j', 'i <> j'],
  ['s || t', 'concat(s, t)', 't || s'],
  ['9007199254740993', '9007199254740992', '9007199254740993.0'],
  ['1e300', '1.0000000000000002e300'],
  ["hour_of_day(at, 'UTC')", 'hour_of_day(at)', "hour_of_day(at, 'Europe/London')"],
  ['lower(s)', 'ltrim(s)', 'length(s)', 'upper(s)'],
  ['round(x)', 'floor(x)', 'ceil(x)', 'cos(x)'],
  ['coalesce(i, j)', 'coalesce(j, i)', 'nullif(i, j)', 'least(i, j)', 'greatest(i, j)'],
])('%s is none of the others', (...texts) => {
  expect(new Set(texts.map(canonical)).size).toBe(texts.length);
});

/** A little grammar whose parts are all conditions or ints, written with random space, case and parentheses. */
interface Written {
  readonly plain: string;
  readonly tokens: readonly string[];
}

const word = (text: string): Written => ({ plain: text, tokens: [text] });
const join = (...parts: readonly Written[]): Written => ({
  plain: `(${parts.map((part) => part.plain).join(' ')})`,
  tokens: ['(', ...parts.flatMap((part) => part.tokens), ')'],
});

const { condition } = fc.letrec<{ number: Written; condition: Written }>((tie) => ({
  number: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom('i', 'j', '1', '2.5', 'x', 'NULL').map(word),
    fc
      .tuple(tie('number'), fc.constantFrom('+', '-', '*', '/', '%'), tie('number'))
      .map(([one, operator, other]) => join(one, word(operator), other)),
    tie('number').map((one) => join(word('-'), one)),
    fc
      .tuple(tie('condition'), tie('number'), tie('number'))
      .map(([when, one, other]) =>
        join(word('CASE'), word('WHEN'), when, word('THEN'), one, word('ELSE'), other, word('END')),
      ),
  ),
  condition: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom('p', 'q', 'TRUE').map(word),
    fc
      .tuple(tie('number'), fc.constantFrom('=', '<>', '<', '>='), tie('number'))
      .map(([one, operator, other]) => join(one, word(operator), other)),
    fc
      .tuple(tie('condition'), fc.constantFrom('AND', 'OR'), tie('condition'))
      .map(([one, operator, other]) => join(one, word(operator), other)),
    tie('condition').map((one) => join(word('NOT'), one)),
    tie('number').map((one) => join(one, word('IS'), word('NOT'), word('NULL'))),
    fc
      .tuple(tie('number'), tie('number'), tie('number'))
      .map(([one, low, high]) => join(one, word('BETWEEN'), low, word('AND'), high)),
  ),
}));

const KEYWORD = /^(CASE|WHEN|THEN|ELSE|END|AND|OR|NOT|IS|NULL|TRUE|BETWEEN)$/;
const SPACES = [' ', '\n', '  ', '\t', ' /* ( */ ', ' -- )\n', '\r\n'];

function rewritten({ tokens }: Written, choices: readonly number[]): string {
  let turn = 0;
  const next = (size: number): number => (choices[turn++ % choices.length] ?? 0) % size;
  return tokens
    .map((token) => {
      const cased = KEYWORD.test(token) && next(2) === 0 ? token.toLowerCase() : token;
      const wrapped = /^(i|j|x|p|q|1|2\.5)$/.test(token) && next(3) === 0 ? `( ${cased} )` : cased;
      return (SPACES[next(SPACES.length)] as string) + wrapped;
    })
    .join('');
}

test('space, comments, case of keywords and redundant parentheses change nothing', () => {
  const choices = fc.array(fc.nat({ max: 1_000 }), { minLength: 5, maxLength: 40 });
  fc.assert(
    fc.property(condition, choices, (written, turns) => {
      if (problemsOf(written.plain).length > 0) return;
      expect(canonical(rewritten(written, turns))).toBe(canonical(written.plain));
    }),
    { numRuns: 1_000 },
  );
});

test('the canonical form is its own canonical form', () => {
  fc.assert(
    fc.property(condition, ({ plain }) => {
      if (problemsOf(plain).length > 0) return;
      const form = canonical(plain);
      expect(canonical(form)).toBe(form);
    }),
    { numRuns: 1_000 },
  );
});

test('expressions that evaluate differently have different canonical forms', () => {
  const rows = [
    [1, 2, 0.5, true, null],
    [2, 2, -1, false, true],
    [null, 3, 2.5, null, false],
    [-1, null, null, true, true],
  ];
  const given = (row: readonly unknown[]): never[] => {
    const [i, j, x, p, q] = row;
    return [i, j, null, null, x, null, null, null, p, q, null, null] as never[];
  };
  const outcomes = (text: string): string =>
    JSON.stringify(
      rows.map((row) => {
        try {
          return compiled(text).evaluate(given(row));
        } catch {
          return 'error';
        }
      }),
    );
  const seen = new Map<string, { readonly text: string; readonly outcomes: string }>();
  let kept = 0;
  fc.assert(
    fc.property(condition, ({ plain }) => {
      if (problemsOf(plain).length > 0) return;
      const form = canonical(plain);
      const before = seen.get(form);
      if (before !== undefined)
        expect({ plain, outcomes: outcomes(plain) }).toMatchObject({ outcomes: before.outcomes });
      else seen.set(form, { text: plain, outcomes: outcomes(plain) });
      kept += 1;
    }),
    { numRuns: 2_000 },
  );
  expect(kept).toBeGreaterThan(500);
  expect(seen.size).toBeGreaterThan(300);
});
