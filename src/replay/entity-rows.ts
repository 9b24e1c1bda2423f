/**
 * Rows on their way from one step to the next, in files: of events, and of requests. A file is sections; in each the rows of an
 * entity lie together, and entities by bucket, so that whoever works on some buckets reads their share of a section at once.
 *
 * A section: how many rows it has; for each bucket where its entities and their rows begin, and where the last one's end (u32);
 * entities (lane, text, bytes of rows); rows, each after its length (u32).
 */
import { randomUUID } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { assert } from '../core/assert.ts';
import { ByteReader, ByteWriter, copyBytes } from '../core/bytes.ts';
import { BUCKETS } from './entity-filter.ts';
import { sync, unwritable } from './work-folder.ts';

/** Buckets `from` to `to`, both among them. */
export interface Part {
  readonly from: number;
  readonly to: number;
}

const LENGTH_BYTES = 4;
/** By bucket, and beyond the last: where entities begin, and rows. */
const PLACE_BYTES = 8;
const HEAD_BYTES = 4 + (BUCKETS + 1) * PLACE_BYTES;

interface Entity {
  readonly lane: number;
  readonly text: string;
  readonly bucket: number;
  /** Of its rows. */
  bytes: number;
}

/** Rows of a section to be, in the order in which they come. */
export class EntityRows {
  /** Of one row after another, each written between `begin` and `end`. */
  readonly #writer = new ByteWriter();
  readonly #entities: Entity[] = [];
  /** By lane: indexes of entities. */
  readonly #places: Map<string, number>[] = [];
  /** By row: its entity, and where it ends. */
  readonly #entityOf: number[] = [];
  readonly #ends: number[] = [];

  get rows(): number {
    return this.#ends.length;
  }

  get bytes(): number {
    return this.#writer.length;
  }

  /** Undefined: the section has no such entity yet. */
  find(lane: number, entity: string): number | undefined {
    return this.#places[lane]?.get(entity);
  }

  add(lane: number, entity: string, bucket: number): number {
    const places = (this.#places[lane] ??= new Map());
    assert(!places.has(entity), 'an entity is added once');
    const place = this.#entities.push({ lane, text: entity, bucket, bytes: 0 }) - 1;
    places.set(entity, place);
    return place;
  }

  /** Answers what the row is to be written with. */
  begin(): ByteWriter {
    this.#writer.u32(0);
    return this.#writer;
  }

  end(place: number): void {
    const from = this.#ends.at(-1) ?? 0;
    const { length } = this.#writer;
    this.#writer.setU32(from, length - from - LENGTH_BYTES);
    (this.#entities[place] as Entity).bytes += length - from;
    this.#entityOf.push(place);
    this.#ends.push(length);
  }

  /** The section. */
  encode(): readonly Uint8Array[] {
    const head = new ByteWriter(HEAD_BYTES);
    const entities = new ByteWriter();
    /** By entity: where its next row goes. */
    const next: number[] = [];
    let at = 0;
    head.u32(this.rows);
    const byBucket = Map.groupBy(this.#entities.keys(), (place) => (this.#entities[place] as Entity).bucket);
    for (let bucket = 0; bucket <= BUCKETS; bucket++) {
      head.u32(entities.length);
      head.u32(at);
      for (const place of byBucket.get(bucket) ?? []) {
        const { lane, text, bytes } = this.#entities[place] as Entity;
        entities.varint(lane);
        entities.string(text);
        entities.u32(bytes);
        next[place] = at;
        at += bytes;
      }
    }
    return [head.copy(), entities.copy(), this.#rowsTogether(next)];
  }

  #rowsTogether(next: number[]): Uint8Array {
    const { buffer, length } = this.#writer;
    const together = new Uint8Array(length);
    let from = 0;
    for (let row = 0; row < this.rows; row++) {
      const place = this.#entityOf[row] as number;
      const to = this.#ends[row] as number;
      const at = next[place] as number;
      copyBytes(buffer, from, to, together, at);
      next[place] = at + to - from;
      from = to;
    }
    return together;
  }
}

export interface EntityRowsFile {
  append(section: EntityRows): Promise<void>;
  /** The file is whole and durable once it has its name. Nothing can be appended after it. */
  write(): Promise<void>;
  /** Whether or not it was written. */
  close(): Promise<void>;
}

/** All reject with `output_unwritable`. */
export async function createEntityRows(path: string): Promise<EntityRowsFile> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  async function told<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      throw unwritable(path, cause);
    }
  }
  const handle = await told(() => open(temporary, 'w'));
  return {
    append: (section) =>
      told(async () => {
        for (const bytes of section.encode()) await handle.writeFile(bytes);
      }),
    write: () =>
      told(async () => {
        await handle.sync();
        await rename(temporary, path);
        await sync(dirname(path));
      }),
    async close() {
      await handle.close();
      await rm(temporary, { force: true });
    },
  };
}

/** A file of one section. */
export async function writeEntityRows(path: string, section: EntityRows): Promise<void> {
  const file = await createEntityRows(path);
  try {
    await file.append(section);
    await file.write();
  } finally {
    await file.close();
  }
}

export interface RowsVisitor {
  /** Whether the rows that come next are wanted, which are this entity's. */
  entity(lane: number, entity: string): boolean;
  /** `reader` is at the row, which is `bytes[from, to)`; good until the call ends. */
  row(reader: ByteReader, bytes: Uint8Array, from: number, to: number): void;
}

/** Rows of the part, section by section; an entity comes once in each that has it. */
export async function visitRows(paths: readonly string[], part: Part, visitor: RowsVisitor): Promise<void> {
  for await (const section of sectionsOf(paths)) await visitSection(section, part, visitor);
}

/** Of all parts. */
export async function countRows(paths: readonly string[]): Promise<number> {
  let count = 0;
  for await (const { rows } of sectionsOf(paths)) count += rows;
  return count;
}

interface Section {
  /** Of its file, until the next is asked for. */
  readonly handle: FileHandle;
  readonly rows: number;
  readonly entitiesAt: number;
  readonly rowsAt: number;
  /** Of the bucket, or beyond the last one: from where its entities and rows are, as bytes from the first one's. */
  place(bucket: number): { readonly entities: number; readonly rows: number };
}

async function* sectionsOf(paths: readonly string[]): AsyncGenerator<Section> {
  for (const path of paths) {
    const handle = await open(path);
    try {
      const { size } = await handle.stat();
      for (let at = 0; at < size; ) {
        const { section, end } = await readSection(handle, at);
        yield section;
        at = end;
      }
    } finally {
      await handle.close();
    }
  }
}

async function readSection(
  handle: FileHandle,
  at: number,
): Promise<{ readonly section: Section; readonly end: number }> {
  const reader = new ByteReader(await read(handle, at, at + HEAD_BYTES));
  const rows = reader.u32();
  const place: Section['place'] = (bucket) => {
    reader.position = LENGTH_BYTES + bucket * PLACE_BYTES;
    return { entities: reader.u32(), rows: reader.u32() };
  };
  const ends = place(BUCKETS);
  const entitiesAt = at + HEAD_BYTES;
  const rowsAt = entitiesAt + ends.entities;
  return { section: { handle, rows, entitiesAt, rowsAt, place }, end: rowsAt + ends.rows };
}

async function visitSection(
  { handle, entitiesAt, rowsAt, place }: Section,
  { from, to }: Part,
  visitor: RowsVisitor,
): Promise<void> {
  const [first, end] = [place(from), place(to + 1)];
  const entities = new ByteReader(await read(handle, entitiesAt + first.entities, entitiesAt + end.entities));
  const bytes = await read(handle, rowsAt + first.rows, rowsAt + end.rows);
  const rows = new ByteReader(bytes);
  while (entities.remaining > 0) {
    const isWanted = visitor.entity(entities.varint(), entities.string());
    const after = rows.position + entities.u32();
    if (!isWanted) rows.position = after;
    while (rows.position < after) {
      const next = rows.u32() + rows.position;
      visitor.row(rows, bytes, rows.position, next);
      rows.position = next;
    }
  }
}

async function read(handle: FileHandle, from: number, to: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(to - from);
  if (to > from) {
    const { bytesRead } = await handle.read(bytes, 0, to - from, from);
    assert(bytesRead === to - from, 'a section is whole');
  }
  return bytes;
}
