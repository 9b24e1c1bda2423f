/**
 * What the records of a source are: events, or rows that take each other's place; bare, or in the envelope of a change data
 * capture. In an envelope a field without a `path` is in the row, and one with a `path` anywhere.
 */
import { child, report, textAt } from './cursor.ts';
import type { Cursor } from './cursor.ts';
import type { EnvelopeName, RecordKeyDefinition, SourceField, SourceMode } from './definition.ts';

/** In Debezium's envelope the row is what it was changed to. */
const ROW_PATHS: Readonly<Record<EnvelopeName, readonly string[]>> = { debezium: ['after'] };

export interface Mode {
  readonly mode: SourceMode;
  readonly envelope: EnvelopeName | null;
  /** Keys that lead to the row in a record; none without an envelope. */
  readonly rowPath: readonly string[];
}

export function readMode(cursor: Cursor): Mode {
  const envelope = textAt(cursor, 'envelope') as EnvelopeName | null;
  return {
    mode: (textAt(cursor, 'mode') as SourceMode | null) ?? 'append',
    envelope,
    rowPath: envelope === null ? [] : ROW_PATHS[envelope],
  };
}

/** A row is told by its key, and by nothing else. */
export function checkUpsert(cursor: Cursor): void {
  const mode = child(cursor, 'mode');
  if (mode && child(cursor, 'key') === undefined) {
    report(mode, 'missing_key', 'mode: upsert needs a key, which is what says whose row a record is, or deletes', {
      expected: 'key: the fields of the record key',
      found: 'nothing',
    });
  }
  const eventId = child(cursor, 'event_id');
  if (!eventId) return;
  const message = 'a row that comes twice is the same row, so event_id has no meaning in mode: upsert';
  report(eventId, 'not_supported', message, { suggestion: 'removing it' }, 'key');
}

/** The key of a change is made of the row's columns: of a deleted one, which has no row, it is found by their names. */
export function checkKeyOfRows(
  cursor: Cursor,
  key: RecordKeyDefinition,
  fields: readonly SourceField[],
  rowPath: readonly string[],
): void {
  const at = child(cursor, 'key');
  for (const name of key.fields) {
    const path = fields.find((field) => field.name === name)?.path;
    if (!at || path === undefined) continue;
    if (path.length === rowPath.length + 1 && rowPath.every((part, index) => part === path[index])) continue;
    report(at, 'bad_value', `${name} cannot be part of the key, for it is no column of the row`, {
      expected: `a field without path, or with path: ${[...rowPath, '<column>'].join('.')}`,
      found: `path: ${path.join('.')}`,
    });
  }
}
