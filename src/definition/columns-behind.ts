/** What must be read to have some of a source's columns. */
import type { SourceDefinition } from './definition.ts';

/** The columns named, and those they are derived from, in slot order: each after those it needs. */
export function columnsBehind(source: SourceDefinition, names: readonly string[]): readonly string[] {
  const derived = new Map(source.derived.map((column) => [column.name, column.expression.columns]));
  const needed = new Set<string>();
  const pending = [...names];
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (needed.has(name)) continue;
    needed.add(name);
    pending.push(...(derived.get(name) ?? []));
  }
  return [...source.slots.keys()].filter((name) => needed.has(name));
}
