/** The names of one service: request columns, `as_of`, features. Each is claimed once; a clash suggests `prefix`. */
import { child, report } from './cursor.ts';
import type { Cursor } from './cursor.ts';
import type { DerivedDraft } from './derived.ts';
import type { ServiceView } from './service-view.ts';

export interface ServiceNames {
  /** Whether the name was free; else after a report. */
  claimFeature(cursor: Cursor, name: string, viewName: string, entry: ServiceView | undefined): boolean;
  claimDerived(draft: DerivedDraft): boolean;
}

export function createServiceNames(requestColumns: readonly string[]): ServiceNames {
  const owners = new Map(requestColumns.map((name) => [name, 'the request']));
  owners.set('as_of', 'the request');
  // A whole view listed twice clashes in every feature: one problem for the entry says it.
  const reportedEntries = new Set<Cursor>();
  return {
    claimFeature(cursor, name, viewName, entry) {
      const owner = owners.get(name);
      if (owner === undefined) {
        owners.set(name, viewName);
        return true;
      }
      const at = entry?.cursor ?? cursor;
      if (!reportedEntries.has(at)) {
        reportedEntries.add(at);
        report(cursor, 'name_clash', `the service has the name ${name} twice`, {
          found: `${name} of ${owner} and of ${viewName}`,
          suggestion: suggestPrefix(entry, viewName),
        });
      }
      return false;
    },
    claimDerived(draft) {
      const at = child(draft.cursor, 'name');
      if (!at || draft.name === '') return false;
      const owner = owners.get(draft.name);
      if (owner === undefined) {
        owners.set(draft.name, 'derived');
        return true;
      }
      const found = owner === 'derived' ? 'two derived features' : `${draft.name} of ${owner}`;
      report(at, 'name_clash', `the service has the name ${draft.name} twice`, { found, suggestion: 'another name' });
      return false;
    },
  };
}

/** `{ keys: { origin: dest } }` suggests `dest_`; without a plain mapping, the view's name does. */
function suggestPrefix(entry: ServiceView | undefined, viewName: string): string {
  const plain = [...(entry?.keys.values() ?? [])]
    .map((at) => String(at.value).trim())
    .find((text) => /^[a-z][a-z0-9_]*$/.test(text));
  const prefix = `${plain ?? viewName}_`;
  return `{ view: ${viewName}, prefix: ${prefix} }`;
}
