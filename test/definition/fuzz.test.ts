/** Whatever a file holds, loading answers: with definitions, or with problems that say where. It never throws. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatProblem } from '../../src/definition/problem.ts';
import { EXAMPLE, tryLoad } from './support.ts';

const SEED = 20_130_131;
const LINES = EXAMPLE.split('\n');
const WORDS = [...new Set(EXAMPLE.match(/[A-Za-z_0-9.@*]+|[{}[\]:,"#>-]/g))];
const ODD = [
  '',
  '~',
  '-1',
  '1e999',
  '.nan',
  '{}',
  '[]',
  '"',
  "'",
  '__proto__',
  '&a',
  '*a',
  '<<',
  '\t',
  '\u0000',
  '🜁',
  '9'.repeat(40),
];

type Edit =
  | { readonly kind: 'word'; readonly at: number; readonly word: string }
  | { readonly kind: 'drop' | 'double'; readonly line: number }
  | { readonly kind: 'swap'; readonly line: number; readonly other: number }
  | { readonly kind: 'cut'; readonly at: number };

const line = fc.nat({ max: LINES.length - 1 });
const edit: fc.Arbitrary<Edit> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('word' as const), at: fc.nat(), word: fc.constantFrom(...WORDS, ...ODD) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('drop' as const, 'double' as const), line }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('swap' as const), line, other: line }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cut' as const), at: fc.nat({ max: EXAMPLE.length }) }) },
);

function apply(text: string, change: Edit): string {
  const lines = text.split('\n');
  switch (change.kind) {
    case 'word': {
      const places = [...text.matchAll(/[A-Za-z_0-9.@*]+|"[^"\n]*"/g)];
      const place = places[change.at % Math.max(1, places.length)];
      if (place === undefined) return text;
      return text.slice(0, place.index) + change.word + text.slice(place.index + place[0].length);
    }
    case 'drop':
      return lines.filter((_, index) => index !== change.line).join('\n');
    case 'double':
      return lines.flatMap((content, index) => (index === change.line ? [content, content] : [content])).join('\n');
    case 'swap':
      return lines
        .map((content, index) => {
          if (index === change.line) return lines[change.other] ?? content;
          return index === change.other ? (lines[change.line] ?? content) : content;
        })
        .join('\n');
    case 'cut':
      return text.slice(0, change.at);
  }
}

test(`random edits of a good file never throw, and every problem has a place in it (seed ${SEED})`, () => {
  const outcomes = { ok: 0, refused: 0 };
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
      const text = edits.reduce(apply, EXAMPLE);
      const result = tryLoad(text);
      outcomes[result.ok ? 'ok' : 'refused']++;
      if (result.ok) return;
      expect(result.problems.length).toBeGreaterThan(0);
      const lineCount = text.split('\n').length;
      for (const problem of result.problems) {
        expect(problem.line).toBeGreaterThanOrEqual(1);
        expect(problem.line).toBeLessThanOrEqual(lineCount);
        expect(problem.column).toBeGreaterThanOrEqual(1);
        expect(formatProblem(problem)).toContain('1.yaml:');
      }
    }),
    { seed: SEED, numRuns: 1_500 },
  );
  // The edits are worth something only if both happen.
  expect(outcomes.ok).toBeGreaterThan(50);
  expect(outcomes.refused).toBeGreaterThan(500);
});

test(`random YAML values in every place of the shape never throw (seed ${SEED})`, () => {
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom(null, true, 1, -0.5, 'x', '1h', 'string', 'v.*', 'count', ''),
      fc.array(tie('any'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...WORDS.filter((word) => /^[a-z_]+$/.test(word))), tie('any'), { maxKeys: 5 }),
    ),
  })).any;
  const file = fc.record({ sources: value, entities: value, views: value, services: value }, { requiredKeys: [] });
  fc.assert(
    fc.property(file, (content) => {
      const result = tryLoad(JSON.stringify(content));
      expect(result.ok || result.problems.length > 0).toBe(true);
    }),
    { seed: SEED, numRuns: 1_000 },
  );
});
