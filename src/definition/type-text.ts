/** Types as authors write them: `double?`, `string[]`, `"double[8]"`, or `{ type, length, nullable }`. */
import type { FieldType, ScalarKind, ValueType } from '../core/value.ts';
import { child, isMapping, numberAt, report } from './cursor.ts';
import type { Cursor } from './cursor.ts';

const TYPE_TEXT = /^(string|bool|int64|int|double|timestamp)(\?)?(?:\[(\d+)?\](\?)?)?$/;
const ARRAY_LENGTH_MAX = 100_000;

/** `"double[8]?"` → its type; null if the text is not a type. Only `double` has fixed-length arrays. */
export function parseTypeText(text: string): FieldType | null {
  const match = TYPE_TEXT.exec(text);
  if (match === null) return null;
  const [, word, question, length, arrayQuestion] = match;
  const kind = word as ScalarKind;
  if (!text.includes('[')) return { type: { kind }, nullable: question !== undefined };
  if (length !== undefined && (kind !== 'double' || question !== undefined)) return null;
  if (Number(length ?? 1) > ARRAY_LENGTH_MAX || length === '0') return null;
  const type: ValueType = {
    kind: 'array',
    element: { kind },
    elementNullable: question !== undefined,
    length: length === undefined ? null : Number(length),
  };
  return { type, nullable: arrayQuestion !== undefined };
}

/** The type at a cursor, text or mapping; null after reporting what is wrong. */
export function readType(cursor: Cursor): FieldType | null {
  if (!isMapping(cursor.value)) return readTypeText(cursor);
  const typeCursor = child(cursor, 'type');
  if (!typeCursor) return null;
  const written = readTypeText(typeCursor);
  if (written === null) return null;
  const nullable = written.nullable || child(cursor, 'nullable')?.value === true;
  const lengthCursor = child(cursor, 'length');
  if (lengthCursor === null) return null;
  if (lengthCursor === undefined) return { type: written.type, nullable };
  const length = numberAt(cursor, 'length', 1);
  const element = written.type.kind === 'array' ? written.type.element : written.type;
  const alreadyFixed = written.type.kind === 'array' && written.type.length !== null && written.type.length !== length;
  const elementNullable = written.type.kind === 'array' && written.type.elementNullable;
  if (element.kind !== 'double' || alreadyFixed || elementNullable) {
    report(lengthCursor, 'type_mismatch', 'only arrays of double have a length', { found: String(typeCursor.value) });
    return null;
  }
  return { type: { kind: 'array', element, elementNullable: false, length }, nullable };
}

function readTypeText(cursor: Cursor): FieldType | null {
  if (typeof cursor.value !== 'string') return null;
  const type = parseTypeText(cursor.value);
  if (type === null) {
    report(cursor, 'bad_value', 'not a type', {
      expected: 'string, bool, int, int64, double, timestamp, T[] or double[N], with ? for nullable',
      found: JSON.stringify(cursor.value),
    });
  }
  return type;
}

/** Whether two types are the same, nullability aside. */
export function sameType(a: ValueType, b: ValueType): boolean {
  if (a.kind === 'array' && b.kind === 'array') {
    return a.length === b.length && a.elementNullable === b.elementNullable && sameType(a.element, b.element);
  }
  if (a.kind === 'struct' && b.kind === 'struct') {
    return (
      a.fields.length === b.fields.length &&
      a.fields.every((field, index) => {
        const other = b.fields[index];
        return other !== undefined && field.name === other.name && sameType(field.type, other.type);
      })
    );
  }
  return a.kind === b.kind;
}
