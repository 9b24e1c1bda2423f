/**
 * Whether records are where readers will look for them: in the partition that their entity's key leads to, by the declared
 * encoding and partitioner. Producers that do otherwise would have their events folded into states that nobody reads.
 */
import type { Partitioner, SourceDefinition } from '../definition/definition.ts';
import type { LogRecord } from '../event/event.ts';
import { reject } from '../event/rejection.ts';
import { compilePlacement } from '../log/entity-partition.ts';
import { partitionOf } from '../log/partitioner.ts';
import { changeState, type Lane } from './lane.ts';
import type { DecodedRecord } from './shard-context.ts';

/** Misplaced records of a chunk that are only dead-lettered; beyond, and beyond their share, the shard stops. */
const MISPLACED_FEW = 5;
const MISPLACED_SHARE_MAX = 0.01;
/** Of a quiet topic, chunks hold a record or two: they are counted together, up to so many records. */
const TALLY_RECORDS = 1_000;
const TEXT_DECODER = new TextDecoder();

export interface Placement {
  /**
   * The records, with those of `lanes` rejected that are misplaced; where they are too many the lanes fail. `partitions`
   * is how many the topic has.
   */
  check(records: readonly DecodedRecord[], lanes: readonly Lane[], partitions: number): readonly DecodedRecord[];
}

/** Null: readers look for entities of these key columns elsewhere, or there is no telling where. */
export function createPlacement(source: SourceDefinition, keyColumns: readonly string[]): Placement | null {
  const { key, partitioner } = source;
  const expected = compilePlacement(source, keyColumns);
  if (expected === null) return null;
  const { keyOf, partitionOf: expectedPartition } = expected;
  let tally = { records: 0, misplaced: 0 };

  function isTooMany(records: number, misplaced: number): boolean {
    const isMore = (some: number, of: number): boolean => some > Math.max(MISPLACED_FEW, of * MISPLACED_SHARE_MAX);
    const together = { records: tally.records + records, misplaced: tally.misplaced + misplaced };
    tally = together.records < TALLY_RECORDS ? together : { records: 0, misplaced: 0 };
    return isMore(misplaced, records) || (misplaced > 0 && isMore(together.misplaced, together.records));
  }

  function explain(record: LogRecord, entityKey: string, partitions: number): string {
    const bytes = keyOf(entityKey);
    const here = (by: Partitioner): boolean => partitionOf(record.key, partitions, by) === record.partition;
    const wanted = `its entity ${entityKey} belongs to partition ${expectedPartition(entityKey, partitions)}`;
    const found =
      record.key === null ? 'it has no key' : `its key is ${JSON.stringify(TEXT_DECODER.decode(record.key))}`;
    const sameKey = record.key !== null && bytes !== null && Buffer.compare(record.key, bytes) === 0;
    const other: Partitioner = partitioner === 'murmur2' ? 'crc32' : 'murmur2';
    const mend = sameKey
      ? `declare partitioner: ${here(other) ? other : 'unknown'}`
      : `declare the key and encoding that the producer writes (${key.encoding} of ${key.fields.join(', ')} is declared), or partitioner: unknown`;
    return `${wanted}, and ${found}; ${mend}`;
  }

  return {
    check(records, lanes, partitions) {
      if (partitions === 1) return records;
      let misplaced = 0;
      let message = '';
      let checked: DecodedRecord[] | null = null;
      for (let index = 0; index < records.length; index++) {
        const decoded = records[index] as DecodedRecord;
        const event = eventOf(decoded, lanes);
        if (event === null || expectedPartition(event.entityKey, partitions) === decoded.record.partition) continue;
        misplaced++;
        message = explain(decoded.record, event.entityKey, partitions);
        checked ??= [...records];
        checked[index] = rejected(decoded, lanes, message);
      }
      if (isTooMany(records.length, misplaced)) {
        const text = `${misplaced} of ${records.length} records are in a partition where no reader looks; of the last: ${message}`;
        for (const lane of lanes) {
          if (lane.state.mode === 'owned')
            changeState(lane, { mode: 'failed', code: 'misplaced_records', message: text });
        }
      }
      return checked ?? records;
    },
  };
}

/** The lanes of a shard share their key columns: what one of them takes tells of all. */
function eventOf({ outcomes }: DecodedRecord, lanes: readonly Lane[]) {
  for (const { outcomeIndex } of lanes) {
    const outcome = outcomes[outcomeIndex];
    if (outcome?.kind === 'event') return outcome.event;
  }
  return null;
}

function rejected(decoded: DecodedRecord, lanes: readonly Lane[], message: string): DecodedRecord {
  const rejection = reject('misplaced', null, message);
  const outcomes = [...decoded.outcomes];
  for (const { outcomeIndex } of lanes)
    if (outcomes[outcomeIndex]?.kind === 'event') outcomes[outcomeIndex] = rejection;
  return { ...decoded, outcomes };
}
