/** Which entity a record is about, for moving it to where that entity's events are: nothing else of it is looked at. */
import { columnsBehind } from '../definition/columns-behind.ts';
import type { SourceDefinition } from '../definition/definition.ts';
import { Fault } from './convert.ts';
import { compileEntityKey, isEntityKeyTooLong } from './entity-key.ts';
import type { LogRecord } from './event.ts';
import { parseRecord } from './parse-record.ts';
import { createRowReader } from './row.ts';
import { slotOf } from './slot.ts';

/** Null: it is about none, or cannot be read; whoever decodes it finds out why. */
export type EntityReader = (record: LogRecord) => string | null;

/** Not re-entrant. */
export function compileEntityReader(source: SourceDefinition, keyColumns: readonly string[]): EntityReader {
  const rows = createRowReader(source);
  const entityKeyOf = compileEntityKey(keyColumns.map((name) => slotOf(source, name)));
  const slots = columnsBehind(source, keyColumns).map((name) => slotOf(source, name));
  return (record) => {
    const json = parseRecord(record);
    if (json instanceof Fault) return null;
    rows.begin(json);
    if (rows.require(slots) !== null) return null;
    const entityKey = entityKeyOf(rows.row);
    return entityKey === null || isEntityKeyTooLong(entityKey) ? null : entityKey;
  };
}
