/** Rows of entities come back by parts of the buckets, whole, however they were put into sections and files. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { BUCKETS, bucketOf } from '../../src/replay/entity-filter.ts';
import {
  EntityRows,
  type Part,
  countRows,
  createEntityRows,
  visitRows,
  writeEntityRows,
} from '../../src/replay/entity-rows.ts';
import { createRandom } from '../oracle/random.ts';
import { folderForTest } from './support.ts';

interface Row {
  readonly lane: number;
  readonly entity: string;
  readonly bucket: number;
  readonly content: string;
}

function rowsFor(seed: number, count: number): readonly Row[] {
  const random = createRandom(seed);
  return Array.from({ length: count }, (_none, index) => {
    const name = random.integer(0, 60);
    const bucket = name === 0 ? 0 : name === 1 ? BUCKETS - 1 : (name * 7_919) % BUCKETS;
    return { lane: random.integer(0, 2), entity: `["é${name}"]`, bucket, content: `${index}${'z'.repeat(index % 90)}` };
  });
}

function sectionOf(rows: readonly Row[]): EntityRows {
  const section = new EntityRows();
  for (const { lane, entity, bucket, content } of rows) {
    const place = section.find(lane, entity) ?? section.add(lane, entity, bucket);
    section.begin().raw(Buffer.from(content));
    section.end(place);
  }
  return section;
}

async function readPart(
  paths: readonly string[],
  part: Part,
  isWanted: (lane: number, entity: string) => boolean = () => true,
): Promise<readonly string[]> {
  const found: string[] = [];
  let current = '';
  await visitRows(paths, part, {
    entity(lane, entity) {
      current = `${lane} ${entity}`;
      return isWanted(lane, entity);
    },
    row(reader, bytes, from, to) {
      expect(reader.position).toBe(from);
      found.push(`${current} ${Buffer.from(bytes.subarray(from, to)).toString()}`);
      // Whoever reads a row need not read all of it.
      if (to > from) reader.u8();
    },
  });
  return found;
}

function textOf({ lane, entity, content }: Row): string {
  return `${lane} ${entity} ${content}`;
}

async function write(rows: readonly Row[], perSection: number): Promise<string> {
  const path = join(folderForTest(), 'some.rows');
  const file = await createEntityRows(path);
  for (let at = 0; at < rows.length; at += perSection) await file.append(sectionOf(rows.slice(at, at + perSection)));
  await file.write();
  await file.close();
  return path;
}

test.each([1, 7, 1_000])('each part has the rows of its buckets, sections of %i', async (perSection) => {
  const rows = rowsFor(perSection, 700);
  const paths = [await write(rows.slice(0, 400), perSection), await write(rows.slice(400), perSection)];
  for (const parts of [1, 3, BUCKETS]) {
    let seen = 0;
    for (let index = 0; index < parts; index++) {
      const from = Math.floor((index * BUCKETS) / parts);
      const part = { from, to: Math.floor(((index + 1) * BUCKETS) / parts) - 1 };
      const expected = rows.filter(({ bucket }) => bucket >= part.from && bucket <= part.to);
      if (parts === BUCKETS && expected.length === 0) continue;
      const found = await readPart(paths, part);
      expect(found.toSorted()).toEqual(expected.map(textOf).toSorted());
      seen += found.length;
    }
    expect(seen).toBe(rows.length);
  }
  expect(await countRows(paths)).toBe(rows.length);
});

test('rows of one entity come in the order in which they were written', async () => {
  const rows = rowsFor(3, 3_000);
  const found = await readPart([await write(rows, 50)], { from: 0, to: BUCKETS - 1 });
  const of = (texts: readonly string[]): readonly string[] => texts.filter((text) => text.startsWith('1 ["é5"]'));
  expect(of(found)).toEqual(of(rows.map(textOf)));
  expect(of(found).length).toBeGreaterThan(10);
});

test('rows of an entity that is not wanted are passed over', async () => {
  const rows = rowsFor(4, 500);
  const isWanted = (lane: number, entity: string): boolean => lane === 1 && entity !== '["é0"]';
  const found = await readPart([await write(rows, 60)], { from: 0, to: BUCKETS - 1 }, isWanted);
  const expected = rows.filter(({ lane, entity }) => isWanted(lane, entity));
  expect(found.toSorted()).toEqual(expected.map(textOf).toSorted());
});

test('a file that was not finished has no name, and one without rows can be read', async () => {
  const folder = folderForTest();
  const file = await createEntityRows(join(folder, 'some.rows'));
  await file.append(sectionOf(rowsFor(5, 10)));
  await file.close();
  expect(readdirSync(folder)).toEqual([]);
  const empty = join(folder, 'empty.rows');
  await writeEntityRows(empty, new EntityRows());
  expect(await readPart([empty], { from: 0, to: BUCKETS - 1 })).toEqual([]);
  expect(await countRows([empty])).toBe(0);
});

test('every hash has a bucket', () => {
  expect([0, 1, 2 ** 22, 2 ** 31, 2 ** 32 - 1].map(bucketOf)).toEqual([0, 0, 1, 512, BUCKETS - 1]);
});
