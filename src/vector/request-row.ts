/**
 * One request row, from JSON to typed values: every problem of the row at once, and no coercion, because a key's type
 * is part of its identity. Parsed here once; whatever comes after trusts it.
 */
import { nearestName } from '../core/suggest.ts';
import type { Value } from '../core/value.ts';
import { formatType } from '../core/value.ts';
import type { RequestColumn, ServiceDefinition } from '../definition/definition.ts';
import { type Converter, Fault, compileConverter, describe } from '../event/convert.ts';

/** What is wrong with one field of a row. `field` is null when the row itself is at fault. */
export interface RowProblem {
  readonly code: string;
  readonly field: string | null;
  readonly message: string;
  readonly suggestion: string | null;
}

export type RowResult =
  /** Aligned with the service's request columns. */
  | { readonly ok: true; readonly values: readonly Value[] }
  | {
      readonly ok: false;
      readonly problems: readonly RowProblem[];
      /** Fields that are unknown, too, and were not put into words. */
      readonly more: number;
    };

/**
 * `json` is a parsed JSON value; what it does not hold is looked for in `common`. Beyond `problemsMax`, fields that are unknown
 * are counted.
 */
export type RowParser = (json: unknown, common?: Fields, problemsMax?: number) => RowResult;

export type Fields = Readonly<Record<string, unknown>>;

/** The longest text a key may have, in bytes of UTF-8: no entity with a longer key is ever stored. */
export const KEY_BYTES_MAX = 1_024;

/** `names`: of the service's request columns. */
export function compileRowParser(service: ServiceDefinition, names: ReadonlySet<string>): RowParser {
  const keyColumns = new Set(service.appearances.flatMap(({ keys }) => keys.flatMap((key) => key.columns)));
  const fields = service.requestColumns.map((column) => compileField(column, keyColumns.has(column.name)));
  const readSound = compileSoundRow(fields);
  return (json, common, problemsMax = Infinity) => {
    if (typeof json !== 'object' || json === null || Array.isArray(json)) {
      const message = `expected an object of entity keys and inputs, found ${describe(json)}`;
      return { ok: false, problems: [{ code: 'invalid_type', field: null, message, suggestion: null }], more: 0 };
    }
    const sound = readSound(json as Fields, common);
    if (sound !== null) return { ok: true, values: sound };
    const row = common === undefined ? json : { ...common, ...json };
    const problems: RowProblem[] = [];
    const values = fields.map((field) => {
      const value = Object.hasOwn(row, field.name) ? field.read((row as Fields)[field.name]) : field.read(undefined);
      if (!isProblem(value)) return value;
      problems.push(value);
      return null;
    });
    let more = 0;
    for (const name of Object.keys(row)) {
      if (names.has(name)) continue;
      if (problems.length < problemsMax) problems.push(unknownField(name, names));
      else more++;
    }
    return problems.length === 0 ? { ok: true, values } : { ok: false, problems, more };
  };
}

/**
 * Reads a row in which nothing is wrong; null: something may be, and a closer look says what. A name that is inherited is
 * counted among the row's own, so that the numbers differ or its value is no JSON.
 */
function compileSoundRow(fields: readonly Field[]): (row: Fields, common?: Fields) => readonly Value[] | null {
  const count = fields.length;
  return (row, common) => {
    const values: Value[] = [];
    let ofRow = 0;
    let ofCommon = 0;
    for (let index = 0; index < count; index++) {
      const { name, read } = fields[index] as Field;
      let json = row[name];
      if (json !== undefined) ofRow++;
      if (common !== undefined) {
        const shared = common[name];
        if (shared !== undefined) ofCommon++;
        if (json === undefined) json = shared;
      }
      const value = read(json);
      if (isProblem(value)) return null;
      values.push(value);
    }
    if (ofRow !== Object.keys(row).length) return null;
    return common === undefined || ofCommon === Object.keys(common).length ? values : null;
  };
}

interface Field {
  readonly name: string;
  /** `json` undefined: the field is missing. */
  readonly read: (json: unknown) => Value | RowProblemMark;
}

/** Tells a problem from a struct value without looking at names. */
class RowProblemMark implements RowProblem {
  readonly code: string;
  readonly field: string;
  readonly message: string;
  readonly suggestion: string | null;

  constructor(code: string, field: string, message: string, suggestion: string | null = null) {
    this.code = code;
    this.field = field;
    this.message = message;
    this.suggestion = suggestion;
  }
}

function isProblem(value: Value | RowProblemMark): value is RowProblemMark {
  return value instanceof RowProblemMark;
}

function compileField(column: RequestColumn, identifies: boolean): Field {
  const { name, kind, type, nullable } = column;
  const convert: Converter = compileConverter(type);
  const what = kind === 'key' ? 'the entity key' : 'the request input';
  const read: Field['read'] = (json) => {
    if (json === undefined && !nullable) {
      const message = `${what} ${name} (${formatType(type)}) is missing`;
      return new RowProblemMark(kind === 'key' ? 'missing_key' : 'missing_input', name, message);
    }
    if (json === undefined || (json === null && nullable)) return null;
    const value = json === null ? new Fault('wrong_type', `expected ${formatType(type)}, found null`) : convert(json);
    if (value instanceof Fault) {
      const code = kind === 'key' ? 'invalid_key' : 'invalid_input';
      return new RowProblemMark(code, name, `${what} ${name}: ${value.message}`, spelling(value.code, type.kind, json));
    }
    const fault = identifies && typeof value === 'string' ? keyFault(value) : null;
    return fault === null ? value : new RowProblemMark('invalid_key', name, `${what} ${name} ${fault}`);
  };
  return { name, read };
}

/** How the same value would be written in the right type, where that is certain. */
function spelling(fault: string, kind: string, json: unknown): string | null {
  if (fault !== 'wrong_type') return null;
  if (kind === 'string' && (typeof json === 'number' || typeof json === 'boolean')) return JSON.stringify(String(json));
  const isNumber = typeof json === 'string' && /^-?(0|[1-9]\d*)(\.\d+)?$/.test(json);
  if (isNumber && (kind === 'double' || (kind === 'int' && Number.isSafeInteger(Number(json))))) return json;
  return null;
}

function keyFault(text: string): string | null {
  if (text === '') return 'is an empty string, which identifies nothing';
  if (hasControlCharacter(text)) return 'holds a control character';
  // At most three bytes of UTF-8 for each UTF-16 code unit: short texts need no count.
  if (text.length * 3 <= KEY_BYTES_MAX) return null;
  const bytes = new TextEncoder().encode(text).length;
  return bytes > KEY_BYTES_MAX ? `has ${bytes} bytes, at most ${KEY_BYTES_MAX} are allowed` : null;
}

/** Unicode's category Cc: all of it is below U+00A0. */
function hasControlCharacter(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit < 0x20 || (unit >= 0x7f && unit < 0xa0)) return true;
  }
  return false;
}

const NAME_SHOWN_MAX = 80;

export function unknownField(name: string, known: ReadonlySet<string>): RowProblem {
  const shown = name.length > NAME_SHOWN_MAX ? `${name.slice(0, NAME_SHOWN_MAX)}…` : name;
  return {
    code: 'unknown_field',
    field: name,
    message: `the service takes no ${JSON.stringify(shown)}; it takes ${[...known].join(', ')}`,
    suggestion: name.length > NAME_SHOWN_MAX ? null : nearestName(name, known),
  };
}
