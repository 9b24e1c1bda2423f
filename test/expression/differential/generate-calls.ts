/** Calls of every function whose result DuckDB can be asked for. */
import type { Random } from '../../oracle/random.ts';
import type { DivergenceName } from './divergences.ts';
import type { Coverage } from './generate-leaves.ts';
import { quoted, word } from './generate-leaves.ts';
import { atom, columnPiece, joined, type Kind, LEVEL, type Piece } from './piece.ts';

export type MakeOperand = (kind: Kind) => Piece;

/** An operand that is no literal. */
export function varying(make: MakeOperand, kind: Kind): Piece {
  let piece = make(kind);
  while (piece.constant) piece = make(kind);
  return piece;
}

type Parameter = Kind | 'small' | 'digits' | 'characters' | 'latitude' | 'longitude';

interface Call {
  /** As written; the documented name comes first where there are several. */
  readonly names: readonly string[];
  readonly parameters: readonly Parameter[];
  readonly result: Kind;
  readonly fallible?: boolean;
  readonly approximate?: boolean;
  readonly divergence?: DivergenceName;
  /** From the text of DuckDB's call to what it must evaluate. */
  readonly duck?: (text: string) => string;
}

const finite = { fallible: true, divergence: 'finite', duck: (text: string) => `finite_(${text})` } as const;
const asInt = { divergence: 'wholeRounding', duck: (text: string) => `CAST(${text} AS BIGINT)` } as const;
const lastDigits = { ...finite, approximate: true, divergence: 'lastDigits' } as const;
const clock = { result: 'int', parameters: ['timestamp'], divergence: 'clockFunctions' } as const;

export const CALLS: readonly Call[] = [
  { names: ['abs'], parameters: ['int'], result: 'int' },
  { names: ['abs'], parameters: ['double'], result: 'double' },
  { names: ['sign'], parameters: ['double'], result: 'int' },
  { names: ['sign'], parameters: ['int'], result: 'int' },
  { names: ['floor'], parameters: ['int'], result: 'int', ...asInt },
  { names: ['floor'], parameters: ['double'], result: 'double' },
  { names: ['ceil', 'ceiling'], parameters: ['int'], result: 'int', ...asInt },
  { names: ['ceil', 'ceiling'], parameters: ['double'], result: 'double' },
  { names: ['trunc'], parameters: ['int'], result: 'int' },
  { names: ['trunc'], parameters: ['double'], result: 'double' },
  { names: ['round'], parameters: ['int'], result: 'int' },
  { names: ['round'], parameters: ['double'], result: 'double' },
  {
    names: ['round'],
    parameters: ['int', 'digits'],
    result: 'int',
    fallible: true,
    divergence: 'intRange',
    duck: (text) => `int_(${text})`,
  },
  { names: ['round'], parameters: ['double', 'digits'], result: 'double', ...finite },
  { names: ['sqrt'], parameters: ['double'], result: 'double', fallible: true },
  { names: ['pi'], parameters: [], result: 'double' },
  { names: ['exp'], parameters: ['double'], result: 'double', ...lastDigits },
  { names: ['ln'], parameters: ['double'], result: 'double', ...lastDigits },
  { names: ['log2'], parameters: ['double'], result: 'double', ...lastDigits },
  { names: ['log10'], parameters: ['int'], result: 'double', ...lastDigits },
  { names: ['power', 'pow'], parameters: ['double', 'small'], result: 'double', ...lastDigits },
  { names: ['power', 'pow'], parameters: ['small', 'double'], result: 'double', ...lastDigits },
  { names: ['sin'], parameters: ['double'], result: 'double', ...lastDigits },
  { names: ['cos'], parameters: ['double'], result: 'double', ...lastDigits },
  { names: ['mod'], parameters: ['int', 'int'], result: 'int', divergence: 'zeroDivision' },
  { names: ['mod'], parameters: ['double', 'double'], result: 'double', divergence: 'zeroDivision' },
  { names: ['lower'], parameters: ['string'], result: 'string' },
  { names: ['upper'], parameters: ['string'], result: 'string' },
  { names: ['length'], parameters: ['string'], result: 'int' },
  { names: ['concat'], parameters: ['string'], result: 'string' },
  { names: ['concat'], parameters: ['string', 'string', 'string'], result: 'string' },
  { names: ['substring', 'substr'], parameters: ['string', 'small'], result: 'string' },
  { names: ['substring', 'substr'], parameters: ['string', 'small', 'small'], result: 'string' },
  { names: ['left'], parameters: ['string', 'small'], result: 'string' },
  { names: ['right'], parameters: ['string', 'small'], result: 'string' },
  { names: ['trim'], parameters: ['string'], result: 'string' },
  { names: ['ltrim'], parameters: ['string'], result: 'string' },
  { names: ['rtrim'], parameters: ['string'], result: 'string' },
  { names: ['trim'], parameters: ['string', 'characters'], result: 'string' },
  { names: ['ltrim'], parameters: ['string', 'characters'], result: 'string' },
  { names: ['rtrim'], parameters: ['string', 'characters'], result: 'string' },
  { names: ['starts_with', 'prefix'], parameters: ['string', 'string'], result: 'bool' },
  { names: ['ends_with', 'suffix'], parameters: ['string', 'string'], result: 'bool' },
  { names: ['contains'], parameters: ['string', 'string'], result: 'bool' },
  { names: ['replace'], parameters: ['string', 'characters', 'string'], result: 'string' },
  { names: ['hour_of_day'], ...clock },
  { names: ['day_of_week'], ...clock },
  { names: ['hour_of_week'], ...clock },
  { names: ['day_of_month'], ...clock },
  { names: ['month'], ...clock },
  { names: ['year'], ...clock },
  { names: ['epoch_ms'], parameters: ['timestamp'], result: 'int' },
  { names: ['timestamp_ms'], parameters: ['small'], result: 'timestamp', divergence: 'clockFunctions' },
  {
    names: ['haversine_km'],
    parameters: ['latitude', 'longitude', 'latitude', 'longitude'],
    result: 'double',
    ...lastDigits,
    divergence: 'placeFunctions',
  },
];

/** Functions whose result depends on a time zone or that DuckDB has no equal of: tested by hand. */
export const NOT_IN_DUCKDB: readonly string[] = ['geohash'];

/** Null where no function gives that kind. `lastDigits` functions are left to `approximateCall`. */
export function callTo(random: Random, kind: Kind, make: MakeOperand, coverage: Coverage): Piece | null {
  const candidates = CALLS.filter((call) => call.result === kind && call.approximate !== true);
  return candidates.length === 0 ? null : callOf(random, random.pick(candidates), make, coverage);
}

/** A call whose last digits the engines round differently, for the outside of an expression. */
export function approximateCall(random: Random, make: MakeOperand, coverage: Coverage): Piece {
  return callOf(random, random.pick(CALLS.filter((call) => call.approximate === true)), make, coverage);
}

function callOf(random: Random, call: Call, make: MakeOperand, coverage: Coverage): Piece {
  coverage.count(`call ${call.names[0]}`, `call ${call.names[0]}/${call.parameters.length}`);
  if (call.divergence !== undefined) coverage.count(`divergence ${call.divergence}`);
  const parts: (string | Piece)[] = [word(random, random.pick(call.names)), '('];
  for (const [index, parameter] of call.parameters.entries()) {
    if (index > 0) parts.push(', ');
    parts.push(argument(random, parameter, make));
  }
  const piece = joined(call.result, LEVEL.atom, [...parts, ')']);
  return {
    ...piece,
    duck: call.duck === undefined ? piece.duck : call.duck(piece.duck),
    fallible: piece.fallible || call.fallible === true,
    approximate: piece.approximate || call.approximate === true,
  };
}

function argument(random: Random, parameter: Parameter, make: MakeOperand): Piece {
  switch (parameter) {
    case 'small': {
      const digits = String(random.integer(-7, 7));
      return random.chance(0.5) ? columnPiece('int', 'k') : { ...atom('int', digits), level: LEVEL.sign };
    }
    case 'digits':
      return atom('int', String(random.pick([-400, -17, -16, -15, -3, -2, -1, 0, 1, 2, 3, 8, 20, 400])));
    case 'characters':
      return atom('string', quoted(random.pick(['', 'a', 'ab', ' ', 'é', '\u{1f600}', 'Hlo', '日'])));
    case 'latitude':
      return columnPiece('double', random.pick(['k * 15', '-33.9', 'k + 40.5', '90', 'y % 90']));
    case 'longitude':
      return columnPiece('double', random.pick(['k * 30', '151.2', 'k - 73.9', '-180', 'y % 180']));
    default:
      return make(parameter);
  }
}
