/**
 * A source's events into the work folder, decoded once, for all lanes that want them, in chunks: a chunk is a file of rows
 * (entity-rows.ts), and a JSON file that says which offsets it covers and what became of their records. The second is written last and
 * makes the chunk count, so a run that was killed goes on after the last whole one.
 */
import { randomUUID } from 'node:crypto';
import { SkewlessError } from '../core/errors.ts';
import type { SourceDefinition } from '../definition/definition.ts';
import { type Counts, addCounts, emptyCounts } from './counts.ts';
import { EntityRows, writeEntityRows } from './entity-rows.ts';
import type { EventBatch, ReadRange } from './event-reader.ts';
import { type PendingChunk, type SortContext, type Voided, createRecordSorter } from './sort-records.ts';
import type { Lane } from './train-plan.ts';
import type { WorkFolder } from './work-folder.ts';

export interface SpillBounds {
  /** Events in a chunk: it ends with the batch that reaches this, */
  readonly chunkEvents: number;
  /** their bytes reach this, */
  readonly chunkBytes: number;
  /** or so many records were read for it. */
  readonly chunkRecords: number;
  /** Events and requests that are put in order and folded together, about. */
  readonly partRows: number;
}

export const DEFAULT_SPILL_BOUNDS: SpillBounds = {
  chunkEvents: 250_000,
  chunkBytes: 33_554_432,
  chunkRecords: 1_000_000,
  partRows: 500_000,
};

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

export interface SpillContext extends SortContext {
  readonly folder: WorkFolder;
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
  /** When nothing is under way any more, whatever became of it: a run that fails leaves nobody behind who writes. */
  settled(): Promise<void>;
}

/** `done`: what `readSpilled` found. `partitions`: of the topic. */
export async function createSpiller(context: SpillContext, done: Spilled, partitions: number): Promise<Spiller> {
  const { folder, source, lanes, bounds } = context;
  const sorter = createRecordSorter(context, partitions, new Map(done.newestMs));
  const name = chunkFolder(source);
  let number = (await folder.names(name)).filter((file) => file.endsWith('.json')).length;
  let pending = beginChunk(lanes);
  let writing: Promise<void> = Promise.resolve();
  /** Batches of several partitions may come at once. */
  let last: Promise<void> = Promise.resolve();

  async function flush(): Promise<void> {
    // One chunk is written while the next is filled, and no more.
    await writing;
    if (Object.keys(pending.covered).length === 0) return;
    const done = pending;
    pending = beginChunk(lanes);
    writing = write(done, Object.fromEntries(sorter.newestMs));
    writing.catch(() => undefined);
  }

  async function write({ rows, covered, voided, counts }: PendingChunk, newestMs: Chunk['newestMs']): Promise<void> {
    const file = rows.rows === 0 ? null : `${randomUUID()}.rows`;
    if (file !== null) await writeEntityRows(folder.at(name, file), rows);
    const chunk: Chunk = { file, events: rows.rows, covered, newestMs, voided, counts };
    await folder.write(`${name}/${String(number).padStart(CHUNK_DIGITS, '0')}.json`, chunk, 'once');
    number += 1;
  }

  async function take({ partition, records, rejected, table, nextOffset }: EventBatch): Promise<void> {
    await sorter.prepare?.(records);
    const { covered, counts } = pending;
    covered[partition] = { from: covered[partition]?.from ?? done.next.get(partition) ?? 0, next: nextOffset };
    done.next.set(partition, nextOffset);
    counts.records += records.length + rejected.length;
    for (const code of rejected) counts.unreadable[code] = (counts.unreadable[code] ?? 0) + 1;
    pending.records += records.length;
    for (const record of records) sorter.sort(record, pending);
    if (table !== undefined) sorter.sortRows(table, partition, pending);
    const { rows } = pending;
    const isFull =
      rows.rows >= bounds.chunkEvents || rows.bytes >= bounds.chunkBytes || pending.records >= bounds.chunkRecords;
    if (isFull) await flush();
  }

  return {
    take: (batch) => (last = last.then(() => take(batch))),
    async end() {
      await last;
      await flush();
      await writing;
    },
    async settled() {
      await last.catch(() => undefined);
      await writing.catch(() => undefined);
    },
  };
}

function beginChunk(lanes: readonly Lane[]): PendingChunk {
  return { rows: new EntityRows(), covered: {}, voided: [], counts: emptyCounts(lanes), records: 0 };
}
