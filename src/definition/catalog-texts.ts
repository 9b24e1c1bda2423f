/** What only the catalog shows: description, owner, labels, tags, and what is given up. No fingerprint contains them. */
import { child, entries, items, textAt } from './cursor.ts';
import type { Cursor } from './cursor.ts';
import { type Deprecation, readDeprecation } from './deprecation.ts';

export interface CatalogTexts {
  readonly description: string;
  readonly owner: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly tags: readonly string[];
}

/** Of what is read by others: a view, a service, a feature of either. */
export interface GovernedTexts {
  readonly description: string;
  readonly tags: readonly string[];
  readonly deprecated: Deprecation | null;
}

export function readCatalogTexts(cursor: Cursor): CatalogTexts {
  const labels = entries(child(cursor, 'labels')).map(([name, label]) => [name, String(label.value)] as const);
  return {
    description: textAt(cursor, 'description') ?? '',
    owner: textAt(cursor, 'owner') ?? '',
    labels: Object.fromEntries(labels),
    tags: readTags(cursor),
  };
}

export function readGovernedTexts(cursor: Cursor): GovernedTexts {
  return {
    description: textAt(cursor, 'description') ?? '',
    tags: readTags(cursor),
    deprecated: readDeprecation(cursor),
  };
}

/** Each once, in the order written. */
function readTags(cursor: Cursor): readonly string[] {
  return [...new Set(items(child(cursor, 'tags')).map(({ value }) => String(value)))];
}
