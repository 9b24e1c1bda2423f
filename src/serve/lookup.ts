/** Finds a named thing of the definitions, or refuses with 404 and the nearest name. */
import { nearestName } from '../core/suggest.ts';
import { type Versioned, findVersioned } from '../definition/find.ts';
import { RequestError, item, shorten } from './problem.ts';

/** `kind` reads in the message, its snake_case form in the code: `feature service` → `unknown_feature_service`. */
export function findOrRefuse<T extends Versioned>(map: ReadonlyMap<string, T>, reference: string, kind: string): T {
  const found = findVersioned(map, reference);
  if (found !== null) return found;
  const [name = ''] = reference.split('@');
  const sameName = [...map.values()].filter((candidate) => candidate.name === name);
  const known = sameName.length > 0 ? [...map].filter(([, { name: other }]) => other === name).map(([id]) => id) : null;
  const names = known ?? [...new Set([...map.values()].map((candidate) => candidate.name))];
  throw unknown(kind, reference, names);
}

export function findNamedOrRefuse<T>(map: ReadonlyMap<string, T>, name: string, kind: string): T {
  const found = map.get(name);
  if (found !== undefined) return found;
  throw unknown(kind, name, [...map.keys()]);
}

const NAME_LENGTH_MAX = 128;

function unknown(kind: string, reference: string, names: readonly string[]): RequestError {
  const short = kind.split(' ').at(-1) ?? kind;
  const message = `there is no ${kind} ${JSON.stringify(shorten(reference))}`;
  const near = reference.length > NAME_LENGTH_MAX ? null : nearestName(reference, names);
  return new RequestError(404, [item(`unknown_${short}`, `/path/${short}`, message, near)]);
}
