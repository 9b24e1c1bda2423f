/** Avro's logical types: how avsc is told of them, and what is read where one is. */
import avsc from 'avsc';
import type { ForSchemaOptions, Type } from 'avsc';
import { parseTimestampMs } from '../core/time.ts';
import { type AvroBytes, MalformedAvro } from './avro-bytes.ts';
import { Fault, wrongType } from './convert.ts';

/** Keeps what the schema says of it. One that is none (a decimal of a string) is, by the specification, its underlying type. */
class LogicalType extends avsc.types.LogicalType {
  readonly attributes: LogicalAttributes;

  constructor(schema: unknown, options?: unknown) {
    super(schema as Type, options);
    this.attributes = schema as LogicalAttributes;
  }

  protected override _toValue(value: unknown): unknown {
    return value;
  }
}

interface LogicalAttributes {
  readonly logicalType: string;
  readonly scale?: unknown;
}

const MS_PER_DAY = 86_400_000;
/** Of one decimal; 308 digits, beyond which no double is, have 128. */
const DECIMAL_BYTES_MAX = 1_024;
const UUID_BYTES = 16;
const UUID = /^[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$/i;
/** Units of timestamps that are in a millisecond. A local one is of no zone, and is read as UTC. */
const TIMESTAMPS: Readonly<Record<string, number>> = {
  'timestamp-millis': 1,
  'timestamp-micros': 1_000,
  'timestamp-nanos': 1_000_000,
  'local-timestamp-millis': 1,
  'local-timestamp-micros': 1_000,
  'local-timestamp-nanos': 1_000_000,
};

/** 64-bit integers as bigints, which is how they are written; reading them is ours. */
const LONG = avsc.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer(value: bigint) {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(value);
    return bytes;
  },
  fromJSON: (value: number) => BigInt(value),
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (one: bigint, other: bigint) => (one < other ? -1 : one > other ? 1 : 0),
});

/** How schemas are to be parsed for `compileAvroReader` and `compileAvroWriter`. */
export const AVRO_SCHEMA_OPTIONS: Partial<ForSchemaOptions> = {
  wrapUnions: 'always',
  omitRecordMethods: true,
  typeHook: (schema) => (schema === 'long' || isBareLong(schema) ? LONG : undefined),
  logicalTypes: Object.fromEntries(
    ['decimal', 'uuid', 'date', ...Object.keys(TIMESTAMPS)].map((name) => [name, LogicalType]),
  ),
};

/** Null: it is read as its underlying type. */
export function logicalReader(type: avsc.types.LogicalType): ((bytes: AvroBytes) => unknown) | null {
  const { underlyingType, attributes } = type as LogicalType;
  const { logicalType } = attributes;
  const physical = underlyingType.typeName;
  const units = Object.hasOwn(TIMESTAMPS, logicalType) ? TIMESTAMPS[logicalType] : undefined;
  if (units !== undefined && physical === 'long') return (bytes) => floorQuotient(bytes.long(), units);
  if (logicalType === 'date' && physical === 'int') return (bytes) => bytes.int() * MS_PER_DAY;
  const size = underlyingType instanceof avsc.types.FixedType ? underlyingType.size : null;
  if (logicalType === 'uuid' && size === UUID_BYTES) return (bytes) => uuidOf(bytes.fixed(UUID_BYTES));
  if (logicalType !== 'decimal' || (physical !== 'bytes' && size === null)) return null;
  const scale = attributes.scale ?? 0;
  if (typeof scale !== 'number' || !Number.isInteger(scale) || scale < 0) return null;
  return (bytes) => decimalOf(size === null ? bytes.bytes() : bytes.fixed(size), scale);
}

function isBareLong(schema: unknown): boolean {
  const { type, logicalType } = schema as { readonly type?: unknown; readonly logicalType?: unknown };
  return type === 'long' && (typeof logicalType !== 'string' || !Object.hasOwn(TIMESTAMPS, logicalType));
}

/** Null: it is written as its underlying type. */
export function logicalWriter(type: avsc.types.LogicalType): ((json: unknown) => unknown) | null {
  const { underlyingType, attributes } = type as LogicalType;
  const { logicalType } = attributes;
  const physical = underlyingType.typeName;
  const units = Object.hasOwn(TIMESTAMPS, logicalType) ? TIMESTAMPS[logicalType] : undefined;
  if (units !== undefined && physical === 'long') return (json) => wholeOf(msOf(json), (ms) => ms * units);
  if (logicalType === 'date' && physical === 'int') return (json) => wholeOf(msOf(json), (ms) => ms / MS_PER_DAY);
  const size = underlyingType instanceof avsc.types.FixedType ? underlyingType.size : null;
  if (logicalType === 'uuid' && size === UUID_BYTES) return uuidFrom;
  if (logicalType !== 'decimal' || (physical !== 'bytes' && size === null)) return null;
  const { scale = 0 } = attributes;
  if (typeof scale !== 'number' || !Number.isInteger(scale) || scale < 0) return null;
  return (json) => decimalFrom(json, scale, size);
}

function msOf(json: unknown): number | Fault {
  const ms = typeof json === 'string' ? parseTimestampMs(json) : json;
  return typeof ms === 'number' && Number.isInteger(ms) ? ms : wrongType('timestamp', json);
}

function wholeOf(ms: number | Fault, count: (ms: number) => number): number | Fault {
  if (ms instanceof Fault) return ms;
  const whole = count(ms);
  return Number.isSafeInteger(whole) ? whole : new Fault('out_of_range', 'no whole number of the units it is kept in');
}

function uuidFrom(json: unknown): Buffer | Fault {
  if (typeof json !== 'string' || !UUID.test(json)) return wrongType('uuid', json);
  return Buffer.from(json.replaceAll('-', ''), 'hex');
}

/** Of the shortest digits that are the double. */
function decimalFrom(json: unknown, scale: number, size: number | null): Buffer | Fault {
  const [, sign = '', whole = '', part = '', exponent = '0'] =
    (typeof json === 'number' && /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(json))) || [];
  if (whole === '') return wrongType('decimal', json);
  const zeros = scale - part.length + Number(exponent);
  if (zeros < 0)
    return new Fault('out_of_range', `more than the ${scale} digits behind the point that it is kept with`);
  return twosComplement(BigInt(`${sign}${whole}${part}${'0'.repeat(zeros)}`), size);
}

/** Big endian, in as few bytes as hold it, or in `size`. */
function twosComplement(value: bigint, size: number | null): Buffer | Fault {
  let length = 1;
  while (BigInt.asIntN(length * 8, value) !== value) length++;
  if (size !== null && length > size) return new Fault('out_of_range', `more than the ${size} bytes it is kept in`);
  const bytes = size ?? length;
  return Buffer.from(
    BigInt.asUintN(bytes * 8, value)
      .toString(16)
      .padStart(bytes * 2, '0'),
    'hex',
  );
}

function floorQuotient(value: number | bigint, divisor: number): number {
  if (typeof value === 'number') return Math.floor(value / divisor);
  const by = BigInt(divisor);
  const quotient = value / by;
  return Number(value < 0n && quotient * by !== value ? quotient - 1n : quotient);
}

function uuidOf(bytes: Buffer): string {
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** The nearest double to unscaled × 10^−scale: reading decimal digits rounds once. */
function decimalOf(bytes: Buffer, scale: number): number {
  if (bytes.length > DECIMAL_BYTES_MAX) throw new MalformedAvro(`a decimal has more than ${DECIMAL_BYTES_MAX} bytes`);
  if (bytes.length === 0) return 0;
  const unscaled = BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString('hex')}`));
  return Number(`${unscaled}e-${scale}`);
}
