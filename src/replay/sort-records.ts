/**
 * Records on their way into a chunk: decoded once for all lanes, as the live driver decodes them, events of entities that
 * labels ask for into its rows, all others into its counts.
 */
import { assert, assertNever } from '../core/assert.ts';
import type { SourceDefinition } from '../definition/definition.ts';
import { compileSourceDecoder, type SourceDecoder } from '../event/decode.ts';
import { type Erasure, parseErasure } from '../event/erasure.ts';
import type { LogRecord, RecordPlace, ViewEvent, ViewOutcome } from '../event/event.ts';
import type { Schemas } from '../event/schemas.ts';
import { type TableRows, canBeTable, compileTableDecoder } from '../event/table-rows.ts';
import { namedFingerprints } from '../event/replay-header.ts';
import { type EntityPlacement, compilePlacement, isRepartitioned } from '../log/entity-partition.ts';
import { writeContent } from '../state/record-codec.ts';
import type { Counts } from './counts.ts';
import type { EntityRows } from './entity-rows.ts';
import { type EntityFilter, bucketOf, createEntityHash } from './entity-filter.ts';
import type { KnownTimes } from './known-times.ts';
import type { Lane } from './train-plan.ts';
import { writeEventRow } from './work-rows.ts';

/** What a lane's entity has lost: its events below `offset` of this partition. */
export interface Voided {
  readonly lane: number;
  readonly entity: string;
  readonly partition: number;
  readonly offset: number;
}

export interface SortContext {
  /** As its records are written. */
  readonly source: SourceDefinition;
  /** Of the source. */
  readonly lanes: readonly Lane[];
  readonly wanted: EntityFilter;
  readonly knownTimes: KnownTimes;
  /** Whether records lie where their keys lead. */
  readonly isPartitioned: boolean;
  readonly schemas: Schemas | null;
  /** Where partitions begin, of what was planned to be read: those that lack their head. */
  readonly begins: ReadonlyMap<number, number>;
}

export interface PendingChunk {
  readonly rows: EntityRows;
  readonly covered: Record<number, { from: number; next: number }>;
  readonly voided: Voided[];
  readonly counts: Counts;
  records: number;
}

export interface RecordSorter {
  /** By partition: the latest append time so far. */
  readonly newestMs: ReadonlyMap<number, number>;
  /** As of `SourceDecoder`. */
  readonly prepare: SourceDecoder['prepare'];
  sort(record: LogRecord, pending: PendingChunk): void;
  sortRows(rows: TableRows, partition: number, pending: PendingChunk): void;
}

/** `partitions`: of the topic. `newestMs`: of what was sorted before, and the sorter's from here on. */
export function createRecordSorter(
  context: SortContext,
  partitions: number,
  newestMs: Map<number, number>,
): RecordSorter {
  const { source, lanes, wanted, knownTimes, isPartitioned, begins, schemas } = context;
  const hashOf = createEntityHash();
  const views = lanes.map(({ view }) => view);
  const decoder = compileSourceDecoder(source, views, schemas);
  const tables = canBeTable(source) ? compileTableDecoder(source, views) : null;
  const placements = lanes.map(({ view }): EntityPlacement | null =>
    isPartitioned && partitions > 1 ? compilePlacement(source, view.keyColumns) : null,
  );
  const isTogether = lanes.map(({ view }) => isPartitioned && !isRepartitioned(source, view.keyColumns, partitions));

  function sort(record: LogRecord, pending: PendingChunk): void {
    const { partition, timestampMs } = record;
    const newest = noteTime(partition, timestampMs);
    const erasure = parseErasure(record);
    if (erasure !== null) {
      noteErasure(erasure, record, pending);
      return;
    }
    const outcomes = decoder.decode(record);
    const named = namedFingerprints(record);
    for (const [place, lane] of lanes.entries()) {
      const isNamed = named === null || named.has(lane.view.stateFingerprint);
      const outcome = isNamed ? outcomes[place] : FILTERED;
      assert(outcome !== undefined, 'an outcome for each lane');
      count(outcome, place, record, newest, pending);
    }
  }

  /** Answers the latest append time of the partition so far. */
  function noteTime(partition: number, timestampMs: number): number {
    const newest = Math.max(newestMs.get(partition) ?? -Infinity, timestampMs);
    newestMs.set(partition, newest);
    return newest;
  }

  function sortRows(rows: TableRows, partition: number, pending: PendingChunk): void {
    assert(tables !== null, 'rows are of a source that can be a table');
    const { counts } = pending;
    counts.records += rows.to - rows.from;
    for (let row = rows.from; row < rows.to; row++) {
      const timestampMs = rows.timestampMs(row);
      const record = { partition, offset: rows.offset + row, timestampMs };
      const decoded = tables.decode(rows, row, record);
      if (typeof decoded === 'string') {
        counts.unreadable[decoded] = (counts.unreadable[decoded] ?? 0) + 1;
        continue;
      }
      pending.records += 1;
      const newest = noteTime(partition, timestampMs);
      for (let place = 0; place < lanes.length; place++) {
        count(decoded[place] as ViewOutcome, place, record, newest, pending);
      }
    }
  }

  function count(
    outcome: ViewOutcome,
    place: number,
    record: RecordPlace,
    newest: number,
    pending: PendingChunk,
  ): void {
    const counts = pending.counts.lanes[place];
    assert(counts !== undefined, 'counts for each lane');
    switch (outcome.kind) {
      case 'event':
        if (isMisplaced(place, outcome.event, record.partition)) {
          counts.rejected['misplaced'] = (counts.rejected['misplaced'] ?? 0) + 1;
          return;
        }
        counts.events += 1;
        keep(place, outcome.event, newest, pending);
        return;
      case 'filtered':
        counts.filtered += 1;
        return;
      case 'null_key':
        counts.nullKey += 1;
        return;
      case 'rejected':
        counts.rejected[outcome.code] = (counts.rejected[outcome.code] ?? 0) + 1;
        return;
      default:
        assertNever(outcome);
    }
  }

  function isMisplaced(place: number, { entityKey }: ViewEvent, partition: number): boolean {
    const placement = placements[place] ?? null;
    return placement !== null && placement.partitionOf(entityKey, partitions) !== partition;
  }

  function keep(place: number, event: ViewEvent, newest: number, { rows }: PendingChunk): void {
    const lane = lanes[place] as Lane;
    const entity = rows.find(lane.index, event.entityKey) ?? addWanted(lane, event.entityKey, rows);
    if (entity === null) return;
    const known = knownTimes.knownMs(lane, event, newest);
    const arrived = isTogether[place] === true ? 0 : isPartitioned ? newest : event.appendedMs;
    const writer = rows.begin();
    writeEventRow(writer, event, known, arrived);
    writeContent(lane.livePlan, event, writer);
    rows.end(entity);
  }

  /** Null: no label asks for it. */
  function addWanted({ index }: Lane, entity: string, rows: EntityRows): number | null {
    const hash = hashOf(entity);
    return wanted.mayHave(index, hash) ? rows.add(index, entity, bucketOf(hash)) : null;
  }

  function noteErasure({ entities, ends }: Erasure, { partition, offset }: LogRecord, pending: PendingChunk): void {
    pending.counts.erasures += 1;
    for (const lane of lanes) {
      const entity = entities[lane.entityKey];
      if (entity !== undefined && !isLost(lane, partition, ends)) {
        pending.voided.push({ lane: lane.index, entity, partition, offset });
      }
    }
  }

  /** As the live driver has it of a partition that was moved from the middle on (materialize/erasing.ts). */
  function isLost({ view }: Lane, partition: number, ends: Erasure['ends']): boolean {
    const end = ends[partition];
    const begin = begins.get(partition) ?? 0;
    return end !== undefined && begin > end && isRepartitioned(source, view.keyColumns, partitions);
  }

  return { newestMs, prepare: decoder.prepare, sort, sortRows };
}

const FILTERED: ViewOutcome = Object.freeze({ kind: 'filtered' });
