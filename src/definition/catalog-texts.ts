/** What only the catalog shows: description, owner, labels. No fingerprint contains them. */
import { child, entries, textAt } from './cursor.ts';
import type { Cursor } from './cursor.ts';

export interface CatalogTexts {
  readonly description: string;
  readonly owner: string;
  readonly labels: Readonly<Record<string, string>>;
}

export function readCatalogTexts(cursor: Cursor): CatalogTexts {
  const labels = entries(child(cursor, 'labels')).map(([name, label]) => [name, String(label.value)] as const);
  return {
    description: textAt(cursor, 'description') ?? '',
    owner: textAt(cursor, 'owner') ?? '',
    labels: Object.fromEntries(labels),
  };
}
