/** Which entity a record is about, for moving it to where that entity's events are: nothing else of it is looked at. */
import { columnsBehind } from '../definition/columns-behind.ts';
import type { SourceDefinition } from '../definition/definition.ts';
import { compileChangeReader, Deletion, NOTHING } from './change.ts';
import { Fault } from './convert.ts';
import { compileEntityKey, isEntityKeyTooLong } from './entity-key.ts';
import type { LogRecord } from './event.ts';
import { compileKeyDecoder } from './record-key-decoder.ts';
import { createSchemaTable, type Schemas } from './schemas.ts';
import { createRowReader } from './row.ts';
import { slotOf } from './slot.ts';

export interface EntityReader {
  /** As of `SourceDecoder`. */
  readonly prepare: ((records: readonly LogRecord[]) => Promise<void>) | null;
  /** Null: it is about none, or cannot be read; whoever decodes it finds out why. */
  entityOf(record: LogRecord): string | null;
}

/** Not re-entrant. */
export function compileEntityReader(
  source: SourceDefinition,
  keyColumns: readonly string[],
  schemas: Schemas | null = null,
): EntityReader {
  const table = createSchemaTable(source, schemas);
  const rows = createRowReader(source);
  const entityKeyOf = compileEntityKey(keyColumns.map((name) => slotOf(source, name)));
  const slots = columnsBehind(source, keyColumns).map((name) => slotOf(source, name));
  const readChange = compileChangeReader(source, table);
  const readKey = compileKeyDecoder(source, table);
  const deletedKeyOf = compileEntityKey(keyColumns.map((name) => source.key.fields.indexOf(name)));

  function keyOf(record: LogRecord): string | null {
    const change = readChange(record);
    if (change instanceof Fault || change === NOTHING) return null;
    if (change instanceof Deletion) {
      const keys = readKey(record.key, change.before);
      return keys instanceof Fault ? null : deletedKeyOf(keys);
    }
    rows.begin(change);
    return rows.require(slots) === null ? entityKeyOf(rows.row) : null;
  }

  return {
    prepare: table === null ? null : table.prepare,
    entityOf(record) {
      const entityKey = keyOf(record);
      return entityKey === null || isEntityKeyTooLong(entityKey) ? null : entityKey;
    },
  };
}
