/** Functions of strings. Positions and lengths count code points, not UTF-16 units. */
import { mapPoints, pointCount, slicePoints } from './code-points.ts';
import { EvaluationError } from './evaluation-error.ts';
import { type FunctionRule, rule } from './function-rule.ts';
import { anyNullable, BOOL, CheckFault, describe, INT, kindOf, STRING, type Typed, typed } from './typed.ts';

/** Longest string that an expression may make, UTF-16 units: `replace` must not multiply a record without bound. */
export const MADE_LENGTH_MAX = 1_048_576;
/** Unicode's space separators (Zs), all of one UTF-16 unit. */
const SPACES: ReadonlySet<string> = new Set(
  '\u0020\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000',
);

function checkLength(units: number): void {
  if (units > MADE_LENGTH_MAX) {
    throw new EvaluationError(`the result is a string longer than ${MADE_LENGTH_MAX} UTF-16 units`);
  }
}

function bounded(text: string): string {
  checkLength(text.length);
  return text;
}

/** `||`: null if either is, unlike `concat`. */
export function concatenation(left: Typed, right: Typed, start: number): Typed {
  for (const part of [left, right]) {
    const kind = kindOf(part);
    if (kind === 'string' || kind === 'null') continue;
    throw new CheckFault(part.start, '|| takes strings', {
      expected: 'string',
      found: describe(part),
      suggestion: 'CAST it AS string',
    });
  }
  const [first, second] = [left.evaluate, right.evaluate];
  return typed(STRING, anyNullable([left, right]), start, (row) => {
    const one = first(row) as string | null;
    const other = second(row) as string | null;
    return one === null || other === null ? null : bounded(one + other);
  });
}

/** From 1 for the first, −1 for the last; a negative count takes what stands before the place. As DuckDB does. */
function substring(text: string, from: number, count?: number): string {
  const size = pointCount(text);
  const begin = from > 0 ? from - 1 : from < 0 ? size + from : -1;
  if (count === undefined) return slicePoints(text, begin, size);
  return count < 0 ? slicePoints(text, begin + count, begin) : slicePoints(text, begin, begin + count);
}

function left(text: string, count: number): string {
  return slicePoints(text, 0, count < 0 ? pointCount(text) + count : count);
}

function right(text: string, count: number): string {
  const size = pointCount(text);
  return slicePoints(text, count < 0 ? -count : size - count, size);
}

function trimmer(atStart: boolean, atEnd: boolean): (text: string, characters?: string) => string {
  return (text, characters) => {
    const unwanted = characters === undefined ? SPACES : new Set(characters);
    const points = Array.from(text);
    const kept = (point: string): boolean => !unwanted.has(point);
    const from = atStart ? points.findIndex(kept) : 0;
    const last = atEnd ? points.findLastIndex(kept) : points.length - 1;
    return from < 0 ? '' : points.slice(from, last + 1).join('');
  };
}

function replace(text: string, part: string, by: string): string {
  if (part === '') return text;
  const pieces = text.split(part);
  checkLength(text.length + (pieces.length - 1) * (by.length - part.length));
  return pieces.join(by);
}

const TO_LOWER = (point: string): string => point.toLowerCase();
const TO_UPPER = (point: string): string => point.toUpperCase();
const TRIM_PARAMETERS = ['string', 'string'] as const;

export const TEXT_FUNCTIONS: readonly FunctionRule[] = [
  rule(
    'lower',
    ['string'],
    STRING,
    (text: string) => mapPoints(text, TO_LOWER),
    'In lower case, code point by code point.',
  ),
  rule(
    'upper',
    ['string'],
    STRING,
    (text: string) => mapPoints(text, TO_UPPER),
    'In upper case, code point by code point.',
  ),
  rule('length', ['string'], INT, pointCount, 'How many code points.'),
  rule(
    'concat',
    ['string'],
    STRING,
    (...texts: (string | null)[]) => bounded(texts.join('')),
    'All one after another; nulls are skipped.',
    {
      variadic: true,
      takesNulls: true,
    },
  ),
  rule(
    'substring',
    ['string', 'int', 'int'],
    STRING,
    substring,
    'From that place (1: the first, −1: the last), at most that many; a negative count takes those before the place.',
    { optional: 1 },
  ),
  rule('left', ['string', 'int'], STRING, left, 'The first so many; negative: all but the last so many.'),
  rule('right', ['string', 'int'], STRING, right, 'The last so many; negative: all but the first so many.'),
  rule(
    'trim',
    TRIM_PARAMETERS,
    STRING,
    trimmer(true, true),
    'Without spaces, or any of the characters given, at both ends.',
    { optional: 1 },
  ),
  rule('ltrim', TRIM_PARAMETERS, STRING, trimmer(true, false), 'The same at the beginning alone.', { optional: 1 }),
  rule('rtrim', TRIM_PARAMETERS, STRING, trimmer(false, true), 'The same at the end alone.', { optional: 1 }),
  rule(
    'starts_with',
    ['string', 'string'],
    BOOL,
    (text: string, part: string) => text.startsWith(part),
    'Whether the first begins with the second.',
  ),
  rule(
    'ends_with',
    ['string', 'string'],
    BOOL,
    (text: string, part: string) => text.endsWith(part),
    'Whether the first ends with the second.',
  ),
  rule(
    'contains',
    ['string', 'string'],
    BOOL,
    (text: string, part: string) => text.includes(part),
    'Whether the second is found in the first.',
  ),
  rule(
    'replace',
    ['string', 'string', 'string'],
    STRING,
    replace,
    'Every place of the second in the first, replaced by the third.',
  ),
];
