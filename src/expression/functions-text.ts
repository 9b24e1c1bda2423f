/** Functions of strings. Positions and lengths count code points, not UTF-16 units. */
import { type FunctionRule, rule } from './function-rule.ts';
import { BOOL, INT, STRING } from './typed.ts';

/** Longest string an expression may make, so that `replace` cannot multiply a record without bound. */
const MADE_LENGTH_MAX = 1_048_576;

function bounded(text: string): string {
  return text.length <= MADE_LENGTH_MAX ? text : text.slice(0, MADE_LENGTH_MAX);
}

function length(text: string): number {
  let count = 0;
  for (const _point of text) count += 1;
  return count;
}

/** SQL's substring: from is 1 for the first; places before it count toward the length but give nothing. */
function substring(text: string, from: number, count = Number.MAX_SAFE_INTEGER): string {
  const points = Array.from(text);
  const begin = from - 1;
  const end = Math.min(points.length, begin + Math.max(0, count));
  return points.slice(Math.max(0, begin), Math.max(0, end)).join('');
}

/** A negative count leaves out that many at the other end. */
function left(text: string, count: number): string {
  const points = Array.from(text);
  return points.slice(0, count < 0 ? Math.max(0, points.length + count) : count).join('');
}

function right(text: string, count: number): string {
  const points = Array.from(text);
  return points.slice(count < 0 ? Math.min(points.length, -count) : Math.max(0, points.length - count)).join('');
}

function trimStart(text: string): string {
  return text.replace(/^ +/, '');
}

function trimEnd(text: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === ' ') end -= 1;
  return text.slice(0, end);
}

export const TEXT_FUNCTIONS: readonly FunctionRule[] = [
  rule('lower', ['string'], STRING, (text: string) => text.toLowerCase(), 'In lower case, by Unicode.'),
  rule('upper', ['string'], STRING, (text: string) => text.toUpperCase(), 'In upper case, by Unicode.'),
  rule('length', ['string'], INT, length, 'How many code points.'),
  rule(
    'concat',
    ['string'],
    STRING,
    (...texts: (string | null)[]) => bounded(texts.join('')),
    'All one after another; nulls are skipped.',
    {
      variadic: true,
      skipsNulls: true,
    },
  ),
  rule(
    'substring',
    ['string', 'int', 'int'],
    STRING,
    substring,
    'From that place (1 is the first), at most that many.',
    { optional: 1 },
  ),
  rule('left', ['string', 'int'], STRING, left, 'The first so many; negative: all but the last so many.'),
  rule('right', ['string', 'int'], STRING, right, 'The last so many; negative: all but the first so many.'),
  rule('trim', ['string'], STRING, (text: string) => trimEnd(trimStart(text)), 'Without spaces at both ends.'),
  rule('ltrim', ['string'], STRING, trimStart, 'Without spaces at the beginning.'),
  rule('rtrim', ['string'], STRING, trimEnd, 'Without spaces at the end.'),
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
    (text: string, part: string, by: string) => (part === '' ? text : bounded(text.replaceAll(part, () => by))),
    'Every place of the second in the first, replaced by the third.',
  ),
];
