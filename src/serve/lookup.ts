/** Finds a named thing of the definitions, or refuses with 404 and the nearest name. */
import { nearestName } from '../core/suggest.ts';
import { type Versioned, findVersioned } from '../definition/find.ts';
import { type ProblemItem, RequestError, item, shorten } from './problem.ts';

/** `kind` reads in the message, its snake_case form in the code: `feature service` → `unknown_feature_service`. */
export function findOrRefuse<T extends Versioned>(map: ReadonlyMap<string, T>, reference: string, kind: string): T {
  const found = findVersioned(map, reference);
  if (found !== null) return found;
  throw unknown(kind, reference, namesNear(map, reference));
}

/** What a reference that names nothing may have meant: the versions that there are, or all names. */
export function namesNear(map: ReadonlyMap<string, Versioned>, reference: string): readonly string[] {
  const [name = ''] = reference.split('@');
  const versions = [...map].filter(([, { name: other }]) => other === name).map(([id]) => id);
  return versions.length > 0 ? versions : [...new Set([...map.values()].map((candidate) => candidate.name))];
}

export function findNamedOrRefuse<T>(map: ReadonlyMap<string, T>, name: string, kind: string): T {
  const found = map.get(name);
  if (found !== undefined) return found;
  throw unknown(kind, name, [...map.keys()]);
}

const NAME_LENGTH_MAX = 128;

function unknown(kind: string, reference: string, names: readonly string[]): RequestError {
  return new RequestError(404, [unknownItem(kind, reference, names, `/path/${shortOf(kind)}`)]);
}

function shortOf(kind: string): string {
  return kind.split(' ').at(-1) ?? kind;
}

export function unknownItem(kind: string, reference: string, names: Iterable<string>, pointer: string): ProblemItem {
  const message = `there is no ${kind} ${JSON.stringify(shorten(reference))}`;
  const near = reference.length > NAME_LENGTH_MAX ? null : nearestName(reference, names);
  return item(`unknown_${shortOf(kind)}`, pointer, message, near);
}
