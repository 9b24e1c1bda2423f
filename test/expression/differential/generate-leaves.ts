/** Literals, letter case of keywords, and the count of what was generated. */
import type { Random } from '../../oracle/random.ts';
import { atom, type Kind, LEVEL, type Piece } from './piece.ts';

export interface Coverage {
  count(...what: string[]): void;
  readonly counts: ReadonlyMap<string, number>;
}

export function createCoverage(): Coverage {
  const counts = new Map<string, number>();
  return {
    counts,
    count(...what) {
      for (const each of what) counts.set(each, (counts.get(each) ?? 0) + 1);
    },
  };
}

/** Keywords in one case or the other. */
export function word(random: Random, text: string): string {
  return random.chance(0.8) ? text : text.toLowerCase();
}

const INTS = [
  '0',
  '1',
  '-1',
  '2',
  '3',
  '7',
  '10',
  '60',
  '24',
  '1000',
  '2147483648',
  '9007199254740991',
  '-9007199254740991',
];
const INT64S = [
  '9007199254740993',
  '-9007199254740993',
  '9223372036854775807',
  '-9223372036854775808',
  '4611686018427387904',
];
const DOUBLES = [
  '0.0',
  '1.0',
  '-1.0',
  '0.5',
  '1.5',
  '2.5',
  '-0.25',
  '.1',
  '3.',
  '1e0',
  '1e3',
  '2.5E-3',
  '1e300',
  '5e-324',
  '-1e10',
  '123456.789',
];
const STRINGS = [
  '',
  ' ',
  'a',
  'A',
  'ab',
  'é',
  'É',
  'e\u0301',
  '\u{1f600}',
  "it's",
  'Hello',
  '%',
  '\\',
  '日本',
  '\uffee',
];
/** As written, and the same instant without an offset, which DuckDB would ignore. */
const TIMESTAMPS = [
  ['2013-01-31T17:00:00Z', '2013-01-31 17:00:00'],
  ['1969-12-31T23:59:59.999Z', '1969-12-31 23:59:59.999'],
  ['2000-02-29T12:30:00.5-11:45', '2000-03-01 00:15:00.5'],
  ['0001-01-01T00:00:00Z', '0001-01-01 00:00:00'],
] as const;

export function literalOf(random: Random, kind: Kind, coverage: Coverage): Piece {
  coverage.count(`literal ${kind}`);
  return { ...anyLiteral(random, kind, coverage), constant: true };
}

function anyLiteral(random: Random, kind: Kind, coverage: Coverage): Piece {
  switch (kind) {
    case 'bool': {
      return atom(kind, word(random, random.pick(['TRUE', 'FALSE'])));
    }
    case 'string': {
      return atom(kind, quoted(random.pick(STRINGS)));
    }
    case 'int':
    case 'int64': {
      coverage.count('divergence intLiteral');
      const digits = random.pick(kind === 'int' ? INTS : INT64S);
      return {
        ...atom(kind, digits, `CAST(${digits} AS BIGINT)`),
        level: digits.startsWith('-') ? LEVEL.sign : LEVEL.atom,
      };
    }
    case 'double': {
      const digits = random.pick(DOUBLES);
      const duck = /e/i.test(digits) ? digits : `CAST(${digits} AS DOUBLE)`;
      if (duck !== digits) coverage.count('divergence decimalLiteral');
      return { ...atom(kind, digits, duck), level: digits.startsWith('-') ? LEVEL.sign : LEVEL.atom };
    }
    case 'timestamp': {
      const [written, plain] = random.pick(TIMESTAMPS);
      const ours = random.chance(0.5) ? `TIMESTAMP ${quoted(written)}` : `CAST(${quoted(written)} AS timestamp)`;
      return atom(kind, ours, `CAST(${quoted(plain)} AS TIMESTAMP)`);
    }
  }
}

export function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
