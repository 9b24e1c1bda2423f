/** References to versioned things: `name@2` is that version, a bare `name` the newest. */

export interface Versioned {
  readonly name: string;
  readonly version: number;
}

/** Null if there is none. */
export function findVersioned<T extends Versioned>(map: ReadonlyMap<string, T>, reference: string): T | null {
  const at = reference.indexOf('@');
  if (at !== -1) return map.get(reference) ?? null;
  let newest: T | null = null;
  for (const candidate of map.values()) {
    if (candidate.name === reference && (newest === null || candidate.version > newest.version)) newest = candidate;
  }
  return newest;
}
