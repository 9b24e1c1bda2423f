/** What the newest records of a topic hold, against what definitions say of them: field by field, and by key. */
import { systemClock } from '../core/clock.ts';
import type { Value } from '../core/value.ts';
import type { SourceDefinition } from '../definition/definition.ts';
import { compileChangeReader, Deletion, NOTHING } from '../event/change.ts';
import { Fault } from '../event/convert.ts';
import { parseErasure } from '../event/erasure.ts';
import type { LogRecord, Rejection } from '../event/event.ts';
import { checkEventTimeRange, checkNotAhead } from '../event/event-time.ts';
import { encodeRecordKey } from '../event/record-key.ts';
import { createRowReader } from '../event/row.ts';
import { createSchemaTable, type SchemaTable, type Schemas } from '../event/schemas.ts';
import { slotOf } from '../event/slot.ts';
import type { Log } from '../log/log.ts';
import { partitionOf } from '../log/partitioner.ts';

/** Of one topic, over all its partitions. */
const RECORDS_MAX = 1_000;
/** Of reading them; what was read by then is looked at. */
const READING_MS = 10_000;
/** Some records of any topic are bad: a share of them above this is what breaks. */
const SHARE_MAX = 0.01;

export interface Recent {
  readonly records: readonly LogRecord[];
  readonly partitions: number;
}

export interface RecordFinding {
  readonly source: string;
  /** The field or derived column; null: the record as a whole. */
  readonly field: string | null;
  /** A rejection's code, `absent` (in no record; null is allowed), `other_key` or `misplaced`. */
  readonly code: string;
  /** Records it is true of, of so many that were looked at. */
  readonly records: number;
  readonly of: number;
  /** Of the last such record; without what it holds. */
  readonly message: string;
  readonly breaks: boolean;
}

/** The newest of each partition; null: there is no such topic. */
export async function readRecent(log: Log, topic: string): Promise<Recent | null> {
  const ranges = await log.ranges(topic);
  if (ranges === null) return null;
  const each = Math.max(1, Math.floor(RECORDS_MAX / ranges.length));
  const untilMs = systemClock.nowMs() + READING_MS;
  const records: LogRecord[] = [];
  for (const { partition, startOffset, endOffset } of ranges) {
    if (records.length >= RECORDS_MAX || systemClock.nowMs() > untilMs) break;
    const from = Math.max(startOffset, endOffset - each);
    if (from < endOffset) records.push(...(await log.read(topic, partition, from, each)));
  }
  return { records, partitions: ranges.length };
}

interface Tally {
  count: number;
  message: string;
}

/** In the order of fields; what is true of records as a whole first. */
export async function examineRecent(
  source: SourceDefinition,
  { records, partitions }: Recent,
  schemas: Schemas | null,
): Promise<readonly RecordFinding[]> {
  const table = createSchemaTable(source, schemas);
  await table?.prepare(records);
  const tallies = new Map<string, Tally & { readonly field: string | null; readonly code: string }>();
  let looked = 0;
  const note = (field: string | null, code: string, message: string): void => {
    const name = `${field ?? ''}/${code}`;
    const tally = tallies.get(name) ?? { field, code, count: 0, message };
    tallies.set(name, { ...tally, count: tally.count + 1, message });
  };
  const examine = compileExaminer(source, table, partitions, note);
  for (const record of records) if (examine(record)) looked += 1;
  const order = [...source.slots.keys()];
  const inOrder = [...tallies.values()].sort((a, b) => order.indexOf(a.field ?? '') - order.indexOf(b.field ?? ''));
  return inOrder.flatMap(({ field, code, count, message }): RecordFinding[] => {
    if (code === 'absent' && count < looked) return [];
    const breaks = code !== 'absent' && count > looked * SHARE_MAX;
    return [{ source: source.name, field, code, records: count, of: looked, message, breaks }];
  });
}

type Note = (field: string | null, code: string, message: string) => void;

/** Answers whether the record is one of the source's own, and not about rows that are gone. */
function compileExaminer(
  source: SourceDefinition,
  table: SchemaTable | null,
  partitions: number,
  note: Note,
): (record: LogRecord) => boolean {
  const readChange = compileChangeReader(source, table);
  const rows = createRowReader(source);
  const columns = [...source.fields, ...source.derived].map(({ name, nullable }, slot) => ({ name, nullable, slot }));
  const eventTimeSlot = slotOf(source, source.eventTime);
  const checkKey = compileKeyCheck(source, partitions, note);

  function noteRejection({ column, code, message }: Rejection): void {
    note(column, code, message);
  }

  return (record) => {
    if (parseErasure(record) !== null) return false;
    const change = readChange(record);
    if (change === NOTHING || change instanceof Deletion) return false;
    if (change instanceof Fault) {
      note(null, change.code, change.message);
      return true;
    }
    rows.begin(change);
    for (const { name, slot } of columns) {
      const rejection = rows.require([slot]);
      if (rejection?.column === name) noteRejection(rejection);
      else if (rejection === null && rows.row[slot] === null) note(name, 'absent', `${name}: null or absent`);
    }
    if (rows.require([eventTimeSlot]) === null) {
      const tsMs = rows.row[eventTimeSlot] as number;
      const rejection = checkEventTimeRange(source, tsMs) ?? checkNotAhead(source, tsMs, record.timestampMs);
      if (rejection !== null) noteRejection(rejection);
    }
    const slots = source.key.fields.map((name) => slotOf(source, name));
    if (slots.length > 0 && rows.require(slots) === null)
      checkKey(
        record,
        slots.map((slot) => rows.row[slot] ?? null),
      );
    return true;
  };
}

/** Whether the record's key is what the definitions make of its fields, and the record where that key leads. */
function compileKeyCheck(
  { key, partitioner }: SourceDefinition,
  partitions: number,
  note: Note,
): (record: LogRecord, values: readonly Value[]) => void {
  const declared = `${key.encoding} of ${key.fields.join(', ')}`;
  return (record, values) => {
    const expected = encodeRecordKey(key, values);
    if (expected === null) return;
    if (record.key === null || Buffer.compare(record.key, expected) !== 0) {
      const found = record.key === null ? 'there is none' : 'it is another';
      note(null, 'other_key', `the record key is declared as ${declared}, and ${found}`);
      return;
    }
    const belongs = partitionOf(record.key, partitions, partitioner);
    if (belongs === null || belongs === record.partition) return;
    note(null, 'misplaced', `the key is not in the partition where ${partitioner} puts it`);
  };
}
