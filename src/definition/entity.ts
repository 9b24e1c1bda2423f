/** Entities: named, ordered, typed join keys. */
import { formatType } from '../core/value.ts';
import type { ScalarKind } from '../core/value.ts';
import { child, entries, isWhole, report, textAt } from './cursor.ts';
import type { Cursor } from './cursor.ts';
import { readCatalogTexts } from './catalog-texts.ts';
import type { EntityDefinition } from './definition.ts';
import { readType } from './type-text.ts';

/** An entity as views check against it; `complete` is false when some of its keys could not be read. */
export interface EntityDraft {
  readonly definition: EntityDefinition;
  readonly complete: boolean;
}

export function readEntity(cursor: Cursor): EntityDraft {
  const keys: { name: string; type: ScalarKind }[] = [];
  let complete = isWhole(child(cursor, 'keys'));
  for (const [name, at] of entries(child(cursor, 'keys'))) {
    const type = readKeyType(at);
    const reserved = name === 'as_of';
    if (reserved) report(at, 'reserved_name', 'as_of is the time of a request', { suggestion: 'another name' }, 'key');
    if (type === null || reserved) complete = false;
    else keys.push({ name, type });
  }
  const { description, owner } = readCatalogTexts(cursor);
  return { definition: { name: textAt(cursor, 'name') ?? '', keys, description, owner }, complete };
}

function readKeyType(cursor: Cursor): ScalarKind | null {
  const type = readType(cursor);
  if (type === null) return null;
  const { kind } = type.type;
  if (kind === 'array' || kind === 'struct' || kind === 'double' || type.nullable) {
    report(cursor, 'type_mismatch', 'an entity key must be comparable exactly and never null', {
      expected: 'string, bool, int, int64 or timestamp',
      found: formatType(type.type, type.nullable),
    });
    return null;
  }
  return kind;
}
