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

/** Texts of keys that are remembered, and how long they may be. */
const TEXTS_MAX = 100_000;
const TEXT_LENGTH_MAX = 100;

/** Texts of entities with one key, remembered: those that are one object are found faster wherever they are looked up. */
export function createKeyTexts(): (key: Value) => string {
  const texts = new Map<Value, string>();
  return (key) => {
    const known = texts.get(key);
    if (known !== undefined) return known;
    const text = encodeEntityKey([key]);
    if (texts.size >= TEXTS_MAX) texts.clear();
    if (text.length <= TEXT_LENGTH_MAX) texts.set(key, text);
    return text;
  };
}

/** Reads the key off a row, of these slots; null when any of them is. */
export function compileEntityKey(slots: readonly number[]): (row: readonly Value[]) => string | null {
  const [first] = slots;
  if (first === undefined || slots.length > 1) {
    return (row) => {
      const keys = slots.map((slot) => row[slot] ?? null);
      return keys.includes(null) ? null : encodeEntityKey(keys);
    };
  }
  const textOf = createKeyTexts();
  return (row) => {
    const key = row[first] ?? null;
    return key === null ? null : textOf(key);
  };
}

/** Whether a key's text is longer than the store takes. Counts bytes only where the length alone does not tell. */
export function isEntityKeyTooLong(entityKey: string): boolean {
  if (entityKey.length * 3 <= ENTITY_KEY_BYTES_MAX) return false;
  return Buffer.byteLength(entityKey, 'utf8') > ENTITY_KEY_BYTES_MAX;
}
