/** CAST between scalar types. A value that the target cannot hold is an error, never a silent null. */
import { formatTimestamp, parseTimestampMs } from '../core/time.ts';
import { formatType, type ScalarKind, type Value, type ValueType } from '../core/value.ts';
import { EvaluationError } from './evaluation-error.ts';
import { finite, inInt64, safeInt } from './operators.ts';
import { CheckFault, type Typed, kindOf, typed } from './typed.ts';

/** SQL names of each type; the first is the canonical one. */
const TYPE_NAMES: Readonly<Record<ScalarKind, readonly string[]>> = {
  string: ['string', 'varchar', 'text'],
  bool: ['bool', 'boolean'],
  int: ['int', 'integer'],
  int64: ['int64', 'bigint'],
  double: ['double', 'double precision', 'float8'],
  timestamp: ['timestamp', 'timestamptz'],
};
const KIND_OF_NAME = new Map(
  Object.entries(TYPE_NAMES).flatMap(([kind, names]) => names.map((name) => [name, kind as ScalarKind] as const)),
);

const WHOLE = /^\s*[+-]?\d+\s*$/;
const DECIMAL = /^\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*$/;

type Conversion = (value: never) => Value;

/** [from][to]; a pair that is not here cannot be cast. */
const CONVERSIONS: Readonly<Record<string, Readonly<Record<string, Conversion>>>> = {
  string: {
    bool: boolOf,
    int: (text: string) => safeInt(wholeOf(text)),
    int64: int64Of,
    double: doubleOf,
    timestamp: timestampOf,
  },
  bool: { string: String, int: Number },
  int: { string: String, bool: (value: number) => value !== 0, int64: BigInt, double: (value: number) => value },
  int64: { string: String, int: (value: bigint) => safeInt(Number(value)), double: (value: bigint) => Number(value) },
  double: {
    string: (value: number) => String(value),
    int: (value: number) => safeInt(roundHalfEven(value)),
    int64: (value: number) => inInt64(BigInt(roundHalfEven(value))),
  },
  timestamp: { string: formatTimestamp, int: (value: number) => value },
};

export function cast(operand: Typed, typeName: string, start: number): Typed {
  const kind = KIND_OF_NAME.get(typeName.toLowerCase());
  if (kind === undefined) {
    throw new CheckFault(start, `there is no type ${typeName}`, { expected: Object.keys(TYPE_NAMES).join(', ') });
  }
  const type: ValueType = { kind };
  const canonical = `CAST(${operand.canonical} AS ${kind})`;
  const from = kindOf(operand);
  if (from === kind || from === 'null')
    return typed({ type, nullable: operand.nullable }, start, canonical, operand.evaluate);
  const convert = CONVERSIONS[from]?.[kind] as ((value: Value) => Value) | undefined;
  if (convert === undefined) {
    throw new CheckFault(
      start,
      `${operand.type === null ? 'NULL' : formatType(operand.type)} cannot be cast to ${kind}`,
    );
  }
  const { evaluate } = operand;
  return typed({ type, nullable: operand.nullable }, start, canonical, (row) => {
    const value = evaluate(row);
    return value === null ? null : convert(value);
  });
}

function refused(text: string, kind: string): never {
  throw new EvaluationError(`${JSON.stringify(text.slice(0, 64))} cannot be read as ${kind}`);
}

function boolOf(text: string): boolean {
  const word = text.trim().toLowerCase();
  if (['true', 't', '1', 'yes', 'y'].includes(word)) return true;
  return ['false', 'f', '0', 'no', 'n'].includes(word) ? false : refused(text, 'bool');
}

function wholeOf(text: string): number {
  return WHOLE.test(text) ? Number(text) : refused(text, 'int');
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
