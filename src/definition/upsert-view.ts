/** What a view of a source in upsert mode may be: the newest row of each record key, and values of that row. */
import { child, report } from './cursor.ts';
import type { Cursor } from './cursor.ts';
import type { AggregationCatalog, SourceDefinition } from './definition.ts';
import type { FeatureDraft } from './feature.ts';

/** `keyColumns` null: they could not be settled, which is reported elsewhere. */
export function checkUpsertView(
  cursor: Cursor,
  { key }: SourceDefinition,
  keyColumns: readonly string[] | null,
  features: readonly FeatureDraft[],
  catalog: AggregationCatalog,
): void {
  if (keyColumns !== null && key.fields.length > 0) checkKeys(cursor, key.fields, keyColumns);
  for (const feature of features) {
    const agg = child(feature.cursor, 'agg');
    const name = String(agg?.value);
    if (agg && name !== 'last' && catalog.has(name)) {
      const message = `${name} does not apply: of a source in mode: upsert only the newest row of a key counts`;
      report(agg, 'not_supported', message, { found: name, suggestion: 'last, or mode: append' });
    }
    for (const named of feature.windows) {
      if (named?.cursor && named.window.kind === 'sliding' && named.window.offsetMs !== 0) refuseOffset(named.cursor);
    }
  }
}

/** Else a row that moves from one entity to another would stay with the first: its record does not say where it was. */
function checkKeys(cursor: Cursor, fields: readonly string[], keyColumns: readonly string[]): void {
  const isSame = fields.length === keyColumns.length && fields.every((field) => keyColumns.includes(field));
  if (isSame) return;
  const message =
    'a view of a source in mode: upsert is keyed by the record key: the newest row per key of something else is not supported';
  report(child(cursor, 'keys') ?? child(cursor, 'entity') ?? cursor, 'not_supported', message, {
    expected: fields.join(', '),
    found: keyColumns.join(', '),
    suggestion: `an entity of ${fields.join(', ')}, or mode: append`,
  });
}

/** A window that ends earlier would serve a row whose place another has taken, beside that other. */
function refuseOffset(cursor: Cursor): void {
  const message = 'an offset does not apply: of a source in mode: upsert only the newest row of a key counts';
  report(cursor, 'bad_window', message, { suggestion: 'a window without offset, or an earlier as_of' });
}
