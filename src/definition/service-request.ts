/** What a service's request rows hold: the entity keys that no mapping gives, then the declared inputs. */
import { formatType } from '../core/value.ts';
import type { FieldType, ScalarKind } from '../core/value.ts';
import type { CompiledExpression, ScopeColumn } from '../expression/expression.ts';
import { child, entries, isMapping, report } from './cursor.ts';
import type { Cursor } from './cursor.ts';
import type { RequestColumn } from './definition.ts';
import { columnExpression, compileText } from './expression-text.ts';
import type { Columns } from './expression-text.ts';
import type { ServiceView } from './service-view.ts';
import { readType, sameType } from './type-text.ts';

export const AS_OF = 'as_of';

export interface RequestRow {
  readonly columns: readonly RequestColumn[];
  /** Request columns and `as_of`, as expressions see them. */
  readonly scope: Columns;
}

export function readRequestRow(service: Cursor, views: readonly ServiceView[], complete: boolean): RequestRow {
  const inputsCursor = child(service, 'inputs');
  const inputNames = isMapping(inputsCursor?.value) ? Object.keys(inputsCursor.value) : [];
  const keys = collectKeys(views, inputNames);
  const inputs: RequestColumn[] = [];
  for (const [name, at] of entries(inputsCursor)) {
    if (name === AS_OF) {
      report(at, 'reserved_name', 'as_of is part of every request', { suggestion: 'removing it' }, 'key');
    } else if (keys.has(name)) {
      const details = { suggestion: 'removing it from inputs: expressions can use the key' };
      report(at, 'name_clash', `${name} is an entity key of this service already`, details, 'key');
    } else {
      const type = readType(at);
      if (type !== null) inputs.push({ name, kind: 'input', ...type });
    }
  }
  const columns = [...keys.values(), ...inputs];
  const broken = new Set(inputNames.filter((name) => !columns.some((column) => column.name === name)));
  const unknownKeys = views.some(({ view }) => view.entity?.complete !== true);
  const sound = complete && inputsCursor !== null && !unknownKeys;
  return { columns, scope: { scope: scopeOf(columns), broken, complete: sound } };
}

function scopeOf(columns: readonly RequestColumn[]): ReadonlyMap<string, ScopeColumn> {
  const asOf: FieldType = { type: { kind: 'timestamp' }, nullable: false };
  const scope = new Map<string, ScopeColumn>();
  for (const [slot, { name, type, nullable }] of columns.entries()) scope.set(name, { type, nullable, slot });
  return scope.set(AS_OF, { ...asOf, slot: columns.length });
}

/** `keys: { origin: origin }` is no mapping, unless an input of that name is meant. */
function isMapped(view: ServiceView, key: string, inputNames: readonly string[]): boolean {
  const at = view.keys.get(key);
  return at !== undefined && (String(at.value).trim() !== key || inputNames.includes(key));
}

function collectKeys(views: readonly ServiceView[], inputNames: readonly string[]): ReadonlyMap<string, RequestColumn> {
  const keys = new Map<string, RequestColumn>();
  for (const serviceView of views) {
    for (const { name, type } of serviceView.view.entity?.definition.keys ?? []) {
      if (isMapped(serviceView, name, inputNames)) continue;
      const earlier = keys.get(name);
      if (earlier === undefined) keys.set(name, { name, kind: 'key', type: { kind: type }, nullable: false });
      else if (earlier.type.kind !== type) {
        report(serviceView.cursor, 'type_mismatch', `the entity key ${name} has another type in an earlier view`, {
          expected: earlier.type.kind,
          found: type,
          suggestion: `keys: { ${name}: an input of type ${type} }`,
        });
      }
    }
  }
  return keys;
}

/** Per entity key of the view, the expression that gives it; null after a report. */
export function compileKeys(serviceView: ServiceView, row: RequestRow): readonly CompiledExpression[] | null {
  const { view, keys, complete } = serviceView;
  const inputNames = row.columns.filter((column) => column.kind === 'input').map((column) => column.name);
  const compiled = (view.entity?.definition.keys ?? []).map((key) => {
    if (!isMapped(serviceView, key.name, inputNames)) return requestKey(key.name, row);
    return compileKey(keys.get(key.name) as Cursor, key, row);
  });
  const sound = complete && view.entity?.complete === true && compiled.every((expression) => expression !== null);
  return sound ? compiled : null;
}

function requestKey(name: string, row: RequestRow): CompiledExpression | null {
  const column = row.scope.scope.get(name);
  return column === undefined
    ? null
    : columnExpression(name, column.slot, { type: column.type, nullable: column.nullable });
}

function compileKey(
  at: Cursor,
  key: { readonly name: string; readonly type: ScalarKind },
  row: RequestRow,
): CompiledExpression | null {
  const text = String(at.value).trim();
  const { scope, broken, complete } = row.scope;
  if (/^[a-z][a-z0-9_]*$/.test(text) && !scope.has(text) && !broken.has(text) && complete) {
    report(at, 'unknown_reference', `${text} is neither an input nor an entity key of the request`, {
      expected: [...scope.keys()].join(', '),
      found: text,
      suggestion: `inputs: { ${text}: ${key.type} }`,
    });
    return null;
  }
  const expression = compileText(at, row.scope);
  if (expression === null || sameType(expression.result.type, { kind: key.type })) return expression;
  report(at, 'type_mismatch', `the expression is not of the type of the entity key ${key.name}`, {
    expected: key.type,
    found: formatType(expression.result.type, expression.result.nullable),
  });
  return null;
}
