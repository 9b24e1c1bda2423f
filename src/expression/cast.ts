/** CAST between scalar types. A value that the target cannot hold is an error, never a silent null. */
import { formatTimestamp, parseTimestampMs } from '../core/time.ts';
import { formatType, type ScalarKind, type Value, type ValueType } from '../core/value.ts';
import { EvaluationError } from './evaluation-error.ts';
import { finite, inInt64, safeInt } from './range.ts';
import { CheckFault, kindOf, type Typed, typed } from './typed.ts';

/** Names of each type in SQL, PostgreSQL's own ones among them, which its parser puts for standard names. */
export const TYPE_NAMES: Readonly<Record<ScalarKind, readonly string[]>> = {
  string: ['string', 'varchar', 'text'],
  bool: ['bool', 'boolean'],
  int: ['int', 'integer', 'int4'],
  int64: ['int64', 'bigint', 'int8'],
  double: ['double', 'double precision', 'float8'],
  timestamp: ['timestamp', 'timestamptz'],
};
const KIND_OF_NAME = new Map(
  Object.entries(TYPE_NAMES).flatMap(([kind, names]) => names.map((name) => [name, kind as ScalarKind] as const)),
);
const INSTEAD: ReadonlyMap<string, string> = new Map([
  ['numeric', 'double'],
  ['decimal', 'double'],
  ['float4', 'double'],
  ['int2', 'int'],
  ['bpchar', 'string'],
  ['date', 'timestamp'],
]);

/** The one name of a type among its names; null if there is no such type. */
export function scalarKindOf(typeName: string): ScalarKind | null {
  return KIND_OF_NAME.get(typeName.toLowerCase()) ?? null;
}

const WHOLE = /^ *[+-]?\d+ *$/;
const DECIMAL = /^ *[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)? *$/;
const TRUE_WORDS = new Set(['true', 't', 'yes', 'y', '1']);
const FALSE_WORDS = new Set(['false', 'f', 'no', 'n', '0']);

type Conversion = (value: never) => Value;

/** [from][to]; a pair that is not here cannot be cast. */
export const CONVERSIONS: Readonly<Partial<Record<ScalarKind, Readonly<Partial<Record<ScalarKind, Conversion>>>>>> = {
  string: { bool: boolOf, int: intOf, int64: int64Of, double: doubleOf, timestamp: timestampOf },
  bool: { string: String, int: Number, int64: BigInt, double: Number },
  int: { string: String, bool: (value: number) => value !== 0, int64: BigInt, double: (value: number) => value },
  int64: {
    string: String,
    bool: (value: bigint) => value !== 0n,
    int: (value: bigint) => safeInt(Number(value)),
    double: Number,
  },
  double: {
    string: String,
    bool: (value: number) => value !== 0,
    int: (value: number) => safeInt(roundHalfEven(value)),
    int64: (value: number) => inInt64(BigInt(roundHalfEven(value))),
  },
  timestamp: { string: formatTimestamp, int: (value: number) => value },
};

export function cast(operand: Typed, typeName: string, start: number): Typed {
  const kind = scalarKindOf(typeName);
  if (kind === null) {
    const instead = INSTEAD.get(typeName);
    throw new CheckFault(start, `there is no type ${typeName}`, {
      expected: Object.keys(TYPE_NAMES).join(', '),
      ...(instead === undefined ? {} : { suggestion: instead }),
    });
  }
  const type: ValueType = { kind };
  const { evaluate, nullable, constant } = operand;
  const from = kindOf(operand);
  if (from === 'null' || from === kind) return typed(type, nullable, start, evaluate, constant);
  const convert = (from === 'other' ? undefined : CONVERSIONS[from]?.[kind]) as ((value: Value) => Value) | undefined;
  if (convert === undefined) {
    throw new CheckFault(
      start,
      `${operand.type === null ? 'NULL' : formatType(operand.type)} cannot be cast to ${kind}`,
    );
  }
  if (constant !== undefined && constant !== null) return castConstant(convert, constant, type, start);
  return typed(type, nullable, start, (row) => {
    const value = evaluate(row);
    return value === null ? null : convert(value);
  });
}

/** Once, when compiling; what fails then would fail on every row. */
function castConstant(convert: (value: Value) => Value, constant: Value, type: ValueType, start: number): Typed {
  try {
    const value = convert(constant);
    return typed(type, false, start, () => value, value);
  } catch (error) {
    if (error instanceof EvaluationError) throw new CheckFault(start, error.message);
    throw error;
  }
}

function refused(text: string, kind: string): never {
  throw new EvaluationError(`${JSON.stringify(text.slice(0, 64))} cannot be read as ${kind}`);
}

function boolOf(text: string): boolean {
  const word = text.toLowerCase();
  if (TRUE_WORDS.has(word)) return true;
  return FALSE_WORDS.has(word) ? false : refused(text, 'bool');
}

function intOf(text: string): number {
  return WHOLE.test(text) ? safeInt(Number(text)) : refused(text, 'int');
}

function int64Of(text: string): bigint {
  return WHOLE.test(text) ? inInt64(BigInt(text.trim().replace(/^\+/, ''))) : refused(text, 'int64');
}

function doubleOf(text: string): number {
  return DECIMAL.test(text) ? finite(Number(text)) : refused(text, 'double');
}

function timestampOf(text: string): number {
  return parseTimestampMs(text) ?? refused(text, 'timestamp (RFC 3339 with an offset)');
}

/** To the nearest integer, halves to the even one, as SQL casts round. */
function roundHalfEven(value: number): number {
  const below = Math.floor(value);
  const distance = value - below;
  if (distance < 0.5) return below;
  if (distance > 0.5) return below + 1;
  return below % 2 === 0 ? below : below + 1;
}
