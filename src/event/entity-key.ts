/** The text that identifies an entity within a view: its keys, in the entity's order, each in the form of its type. */
import type { Value } from '../core/value.ts';

/** Of an entity key's text, in UTF-8. */
export const ENTITY_KEY_BYTES_MAX = 1_024;

/**
 * `['JFK', 17n]` → `["JFK","17"]`. Within one entity each place has one type, so no two entities share a text: a
 * string `"1"` and an int `1` are `["1"]` and `[1]`.
 */
export function encodeEntityKey(keys: readonly Value[]): string {
  let text = '[';
  for (const key of keys) {
    if (text.length > 1) text += ',';
    text += typeof key === 'bigint' ? `"${key}"` : JSON.stringify(key);
  }
  return `${text}]`;
}

/** Whether a key's text is longer than the store takes. Counts bytes only where the length alone does not tell. */
export function isEntityKeyTooLong(entityKey: string): boolean {
  if (entityKey.length * 3 <= ENTITY_KEY_BYTES_MAX) return false;
  return Buffer.byteLength(entityKey, 'utf8') > ENTITY_KEY_BYTES_MAX;
}
