/** CASTs between all types that have one, with DuckDB held to what the language reads and gives. */
import type { Random } from '../../oracle/random.ts';
import type { DivergenceName } from './divergences.ts';
import { type MakeOperand, varying } from './generate-calls.ts';
import type { Coverage } from './generate-leaves.ts';
import { columnPiece, joined, type Kind, LEVEL, operand, type Piece } from './piece.ts';

interface Cast {
  readonly from: Kind;
  readonly to: Kind;
  readonly fallible: boolean;
  readonly divergence: DivergenceName | null;
  readonly duck: (text: string) => string;
}

function plain(from: Kind, to: Kind, type: string, fallible = false): Cast {
  return { from, to, fallible, divergence: null, duck: (text) => `CAST(${text} AS ${type})` };
}

function by(from: Kind, to: Kind, divergence: DivergenceName, duck: Cast['duck'], fallible = true): Cast {
  return { from, to, fallible, divergence, duck };
}

/** All but double to string, whose digits differ. */
export const CASTS: readonly Cast[] = [
  plain('string', 'bool', 'BOOLEAN', true),
  by('string', 'int', 'textToNumber', (text) => `int_(int64_of_text_(${text}))`),
  by('string', 'int64', 'textToNumber', (text) => `int64_of_text_(${text})`),
  by('string', 'double', 'textToNumber', (text) => `finite_(double_of_text_(${text}))`),
  by('string', 'timestamp', 'textToTimestamp', (text) => `timestamp_of_text_(${text})`),
  plain('bool', 'string', 'VARCHAR'),
  plain('bool', 'int', 'BIGINT'),
  plain('bool', 'int64', 'BIGINT'),
  plain('bool', 'double', 'DOUBLE'),
  plain('int', 'string', 'VARCHAR'),
  plain('int', 'bool', 'BOOLEAN'),
  plain('int', 'int64', 'BIGINT'),
  plain('int', 'double', 'DOUBLE'),
  plain('int64', 'string', 'VARCHAR'),
  plain('int64', 'bool', 'BOOLEAN'),
  by('int64', 'int', 'intCast', (text) => `int_(${text})`),
  plain('int64', 'double', 'DOUBLE'),
  plain('double', 'bool', 'BOOLEAN'),
  by('double', 'int', 'intCast', (text) => `int_(CAST(${text} AS BIGINT))`),
  plain('double', 'int64', 'BIGINT', true),
  by('timestamp', 'string', 'timestampToText', (text) => `text_of_timestamp_(${text})`, false),
  by('timestamp', 'int', 'timestampToInt', (text) => `epoch_ms(${text})`, false),
];

/** Other names of a type, of which one is written. */
const NAMES: Readonly<Record<Kind, readonly string[]>> = {
  string: ['string', 'varchar', 'TEXT'],
  bool: ['bool', 'BOOLEAN'],
  int: ['int', 'integer', 'INT'],
  int64: ['int64', 'bigint'],
  double: ['double', 'DOUBLE PRECISION', 'float8'],
  timestamp: ['timestamp', 'TIMESTAMPTZ'],
};

export function castTo(random: Random, kind: Kind, make: MakeOperand, coverage: Coverage): Piece {
  const { from, fallible, divergence, duck } = random.pick(CASTS.filter((cast) => cast.to === kind));
  coverage.count(`cast ${from} to ${kind}`);
  if (divergence !== null) coverage.count(`divergence ${divergence}`);
  // Few generated strings can be read as anything; these columns hold ones that can, and ones that nearly can.
  const readable = from === 'string' && random.chance(0.9);
  const column = columnPiece('string', kind === 'timestamp' ? 'instant' : 'numeral');
  // What cannot be read in a constant is refused when compiling: a difference, tested by hand.
  const source = readable ? column : fallible ? varying(make, from) : make(from);
  const name = random.pick(NAMES[kind]);
  const ours = random.chance(0.3)
    ? joined(kind, LEVEL.atom, [operand(random, source, LEVEL.atom), '::', name])
    : joined(kind, LEVEL.atom, ['CAST(', source, ` AS ${name})`]);
  return { ...ours, duck: duck(source.duck), fallible: source.fallible || fallible, constant: source.constant };
}
