/** The text that identifies an entity within a view: its keys, in the entity's order, each in the form of its type. */
import type { Value } from '../core/value.ts';

/**
 * `['JFK', 17n]` → `["JFK","17"]`. Within one entity each place has one type, so no two entities share a text: a
 * string `"1"` and an int `1` are `["1"]` and `[1]`.
 */
export function encodeEntityKey(keys: readonly Value[]): string {
  return JSON.stringify(keys, (_name, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));
}
