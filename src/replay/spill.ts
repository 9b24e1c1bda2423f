/**
 * A source's events into the work folder, decoded once, for all lanes that want them, in chunks: a chunk is a Parquet file of
 * events, and a JSON file that says which offsets it covers and what became of their records. The second is written last and
 * makes the chunk count, so a run that was killed goes on after the last whole one.
 */
import { randomUUID } from 'node:crypto';
import { assert, assertNever } from '../core/assert.ts';
import { SkewlessError } from '../core/errors.ts';
import type { SourceDefinition } from '../definition/definition.ts';
import { compileSourceDecoder } from '../event/decode.ts';
import { type Erasure, parseErasure } from '../event/erasure.ts';
import type { LogRecord, ViewEvent, ViewOutcome } from '../event/event.ts';
import { namedFingerprints } from '../event/replay-header.ts';
import { type EntityPlacement, compilePlacement, isRepartitioned } from '../log/entity-partition.ts';
import { encodeRecord } from '../state/record-codec.ts';
import type { KnownTimes } from './known-times.ts';
import { type Counts, addCounts, emptyCounts } from './counts.ts';
import { type Duck, type RowTable, writeParquet } from './duck.ts';
import type { EntityFilter } from './entity-filter.ts';
import type { EventBatch, ReadRange } from './event-reader.ts';
import { bucketOf } from './requests.ts';
import type { Lane } from './train-plan.ts';
import type { WorkFolder } from './work-folder.ts';

export interface SpillBounds {
  /** Events in a chunk: it ends with the batch that reaches this, */
  readonly chunkEvents: number;
  /** their bytes reach this, */
  readonly chunkBytes: number;
  /** or so many records were read for it. */
  readonly chunkRecords: number;
}

export const DEFAULT_SPILL_BOUNDS: SpillBounds = {
  chunkEvents: 250_000,
  chunkBytes: 33_554_432,
  chunkRecords: 1_000_000,
};

/** Times are ms. `arrived` orders the events of an entity as the live driver takes them; of the same, partition and offset. */
export const EVENT_COLUMNS = [
  { name: 'bucket', type: 'UTINYINT' },
  { name: 'lane', type: 'INTEGER' },
  { name: 'entity', type: 'VARCHAR' },
  { name: 'ts', type: 'DOUBLE' },
  { name: 'known', type: 'DOUBLE' },
  { name: 'arrived', type: 'DOUBLE' },
  { name: 'appended', type: 'DOUBLE' },
  { name: 'partition', type: 'INTEGER' },
  { name: 'position', type: 'DOUBLE' },
  { name: 'record', type: 'BLOB' },
] as const;

/** What a lane's entity has lost: its events below `offset` of this partition. */
export interface Voided {
  readonly lane: number;
  readonly entity: string;
  readonly partition: number;
  readonly offset: number;
}

interface Chunk {
  /** Null: no events. */
  readonly file: string | null;
  readonly events: number;
  /** By partition: from where, and the position after. */
  readonly covered: Readonly<Record<number, { readonly from: number; readonly next: number }>>;
  /** By partition: the latest append time so far. */
  readonly newestMs: Readonly<Record<number, number>>;
  readonly voided: readonly Voided[];
  readonly counts: Counts;
}

export interface Spilled {
  /** Of events. */
  readonly files: readonly string[];
  readonly events: number;
  /** By partition. */
  readonly next: Map<number, number>;
  readonly newestMs: ReadonlyMap<number, number>;
  readonly voided: readonly Voided[];
  readonly counts: Counts;
}

export interface SpillContext {
  readonly duck: Duck;
  readonly folder: WorkFolder;
  readonly source: SourceDefinition;
  /** Of the source. */
  readonly lanes: readonly Lane[];
  readonly wanted: EntityFilter;
  readonly knownTimes: KnownTimes;
  /** Whether records lie where their keys lead. */
  readonly isPartitioned: boolean;
  /** Where partitions begin, of what was planned to be read. */
  readonly begins: ReadonlyMap<number, number>;
  readonly bounds: SpillBounds;
}

function chunkFolder(source: SourceDefinition): string {
  return `events-${source.name}`;
}

/** What earlier runs have done. Throws `train_running` where chunks of two runs are mixed. */
export async function readSpilled(
  folder: WorkFolder,
  source: SourceDefinition,
  lanes: readonly Lane[],
  ranges: readonly ReadRange[],
): Promise<Spilled> {
  const name = chunkFolder(source);
  await folder.makeFolder(name);
  const files: string[] = [];
  const voided: Voided[] = [];
  const newestMs = new Map<number, number>();
  const next = new Map(ranges.map(({ partition, from }) => [partition, from]));
  const counts = emptyCounts(lanes);
  let events = 0;
  for (const each of (await folder.names(name)).filter((file) => file.endsWith('.json'))) {
    const chunk = (await folder.read<Chunk>(`${name}/${each}`)) as Chunk;
    for (const [partition, { from, next: after }] of Object.entries(chunk.covered)) {
      if (next.get(Number(partition)) !== from) throw mixed(folder);
      next.set(Number(partition), after);
    }
    for (const [partition, ms] of Object.entries(chunk.newestMs)) newestMs.set(Number(partition), ms);
    if (chunk.file !== null) files.push(folder.at(name, chunk.file));
    voided.push(...chunk.voided);
    addCounts(counts, chunk.counts);
    events += chunk.events;
  }
  return { files, events, next, newestMs, voided, counts };
}

function mixed({ path }: WorkFolder): SkewlessError {
  const message = `${path}: two runs have worked in it at once, or it is damaged; delete the folder and run this again`;
  return new SkewlessError('train_running', message);
}

const CHUNK_DIGITS = 6;

export interface Spiller {
  take(batch: EventBatch): Promise<void>;
  /** Writes what is left; to be called when all was taken. */
  end(): Promise<void>;
}

/** `done`: what `readSpilled` found. `partitions`: of the topic. */
export async function createSpiller(context: SpillContext, done: Spilled, partitions: number): Promise<Spiller> {
  const { duck, folder, source, lanes, bounds } = context;
  const sorter = createSorter(context, partitions, new Map(done.newestMs));
  const name = chunkFolder(source);
  let number = (await folder.names(name)).filter((file) => file.endsWith('.json')).length;
  let pending = await beginChunk(duck, lanes);
  /** Batches of several partitions may come at once. */
  let last: Promise<void> = Promise.resolve();

  async function flush(): Promise<void> {
    const { table, covered, voided, counts } = pending;
    if (Object.keys(covered).length === 0) return;
    table.end();
    const file = table.rows === 0 ? null : `${randomUUID()}.parquet`;
    if (file !== null) {
      await writeParquet(duck, `SELECT * FROM ${table.name} ORDER BY bucket, lane, entity`, folder.at(name, file));
    }
    await table.drop();
    const newestMs = Object.fromEntries(sorter.newestMs);
    const chunk: Chunk = { file, events: table.rows, covered, newestMs, voided, counts };
    await folder.write(`${name}/${String(number).padStart(CHUNK_DIGITS, '0')}.json`, chunk, 'once');
    number += 1;
    pending = await beginChunk(duck, lanes);
  }

  async function take({ partition, records, rejected, nextOffset }: EventBatch): Promise<void> {
    const { covered, counts } = pending;
    covered[partition] = { from: covered[partition]?.from ?? done.next.get(partition) ?? 0, next: nextOffset };
    done.next.set(partition, nextOffset);
    counts.records += records.length + rejected.length;
    for (const code of rejected) counts.unreadable[code] = (counts.unreadable[code] ?? 0) + 1;
    pending.records += records.length;
    for (const record of records) sorter.sort(record, pending);
    const { table, bytes } = pending;
    const isFull =
      table.rows >= bounds.chunkEvents || bytes >= bounds.chunkBytes || pending.records >= bounds.chunkRecords;
    if (isFull) await flush();
  }

  return {
    take: (batch) => (last = last.then(() => take(batch))),
    async end() {
      await last;
      await flush();
    },
  };
}

interface PendingChunk {
  readonly table: RowTable;
  readonly covered: Record<number, { from: number; next: number }>;
  readonly voided: Voided[];
  readonly counts: Counts;
  bytes: number;
  records: number;
}

async function beginChunk(duck: Duck, lanes: readonly Lane[]): Promise<PendingChunk> {
  const table = await duck.table(EVENT_COLUMNS);
  return { table, covered: {}, voided: [], counts: emptyCounts(lanes), bytes: 0, records: 0 };
}

/** Puts each record where it belongs: events of entities that are wanted into the table, all others into counts. */
function createSorter(context: SpillContext, partitions: number, newestMs: Map<number, number>) {
  const { duck, source, lanes, wanted, knownTimes, isPartitioned } = context;
  const decoder = compileSourceDecoder(
    source,
    lanes.map(({ view }) => view),
  );
  const placements = lanes.map(({ view }): EntityPlacement | null =>
    isPartitioned && partitions > 1 ? compilePlacement(source, view.keyColumns) : null,
  );
  const isTogether = lanes.map(({ view }) => isPartitioned && !isRepartitioned(source, view.keyColumns, partitions));

  function sort(record: LogRecord, pending: PendingChunk): void {
    const { partition, timestampMs } = record;
    const newest = Math.max(newestMs.get(partition) ?? -Infinity, timestampMs);
    newestMs.set(partition, newest);
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

  function count(outcome: ViewOutcome, place: number, record: LogRecord, newest: number, pending: PendingChunk): void {
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

  function keep(place: number, event: ViewEvent, newest: number, pending: PendingChunk): void {
    const lane = lanes[place] as Lane;
    const { entityKey, tsMs, partition, offset, appendedMs } = event;
    if (!wanted.mayHave(lane.index, entityKey)) return;
    const known = knownTimes.knownMs(lane, event, newest);
    const arrived = isTogether[place] === true ? 0 : isPartitioned ? newest : appendedMs;
    const bytes = encodeRecord(lane.livePlan, event);
    const record = duck.duckdb.blobValue(bytes);
    const bucket = bucketOf(entityKey);
    pending.table.push([bucket, lane.index, entityKey, tsMs, known, arrived, appendedMs, partition, offset, record]);
    pending.bytes += bytes.length;
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
    const begin = context.begins.get(partition) ?? 0;
    return end !== undefined && begin > end && isRepartitioned(source, view.keyColumns, partitions);
  }

  return { sort, newestMs };
}

const FILTERED: ViewOutcome = Object.freeze({ kind: 'filtered' });
