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
  | { readonly ok: false; readonly problems: readonly RowProblem[] };

/** `json` is a parsed JSON value. */
export type RowParser = (json: unknown) => RowResult;

/** The longest text a key may have, in bytes of UTF-8: no entity with a longer key is ever stored. */
export const KEY_BYTES_MAX = 1_024;
const CONTROL_CHARACTER = /\p{Cc}/u;

export function compileRowParser(service: ServiceDefinition): RowParser {
  const keyColumns = new Set(service.appearances.flatMap(({ keys }) => keys.flatMap((key) => key.columns)));
  const fields = service.requestColumns.map((column) => compileField(column, keyColumns.has(column.name)));
  const names = new Set(service.requestColumns.map((column) => column.name));
  return (json) => {
    if (typeof json !== 'object' || json === null || Array.isArray(json)) {
      const message = `expected an object of entity keys and inputs, found ${describe(json)}`;
      return { ok: false, problems: [{ code: 'invalid_type', field: null, message, suggestion: null }] };
    }
    const problems: RowProblem[] = [];
    const values = fields.map((read) => {
      const value = read(json);
      if (!isProblem(value)) return value;
      problems.push(value);
      return null;
    });
    for (const name of Object.keys(json)) if (!names.has(name)) problems.push(unknownField(name, names));
    return problems.length === 0 ? { ok: true, values } : { ok: false, problems };
  };
}

type FieldReader = (row: object) => Value | RowProblemMark;

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

function compileField(column: RequestColumn, identifies: boolean): FieldReader {
  const { name, kind, type, nullable } = column;
  const convert: Converter = compileConverter(type);
  const what = kind === 'key' ? 'the entity key' : 'the request input';
  return (row) => {
    const json = Object.hasOwn(row, name) ? (row as Readonly<Record<string, unknown>>)[name] : undefined;
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
  if (CONTROL_CHARACTER.test(text)) return 'holds a control character';
  // At most three bytes of UTF-8 for each UTF-16 code unit: short texts need no count.
  if (text.length * 3 <= KEY_BYTES_MAX) return null;
  const bytes = new TextEncoder().encode(text).length;
  return bytes > KEY_BYTES_MAX ? `has ${bytes} bytes, at most ${KEY_BYTES_MAX} are allowed` : null;
}

const NAME_SHOWN_MAX = 80;

function unknownField(name: string, known: ReadonlySet<string>): RowProblem {
  const shown = name.length > NAME_SHOWN_MAX ? `${name.slice(0, NAME_SHOWN_MAX)}…` : name;
  return {
    code: 'unknown_field',
    field: name,
    message: `the service takes no ${JSON.stringify(shown)}; it takes ${[...known].join(', ')}`,
    suggestion: name.length > NAME_SHOWN_MAX ? null : nearestName(name, known),
  };
}
