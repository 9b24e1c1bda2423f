/** Where a column of a source is in a row. */
import { assert } from '../core/assert.ts';
import type { SourceDefinition } from '../definition/definition.ts';

export function slotOf(source: SourceDefinition, column: string): number {
  const slot = source.slots.get(column);
  assert(slot !== undefined, `source ${source.name} has a column ${column}`);
  return slot;
}
