/** Freezes plain data all the way down. Functions and maps are left as they are; what a map holds is frozen. */
export function freezeDeep<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  if (value instanceof Map) {
    for (const held of value.values()) freezeDeep(held);
    return value;
  }
  Object.freeze(value);
  for (const part of Object.values(value)) freezeDeep(part);
  return value;
}
