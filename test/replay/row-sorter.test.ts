/** Rows come out in order, each with its bytes, whether they fit into memory or go through files. */
import { readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { SortedRows } from '../../src/replay/row-batch.ts';
import { type RowSorter, createRowSorter } from '../../src/replay/row-sorter.ts';
import { type Random, createRandom } from '../oracle/random.ts';
import { folderForTest } from './support.ts';

type Row = readonly [id: number, first: number, second: number, third: number, content: string];

const DOT = '.'.charCodeAt(0);
const opened: RowSorter[] = [];
afterAll(() => {
  for (const sorter of opened) sorter.close();
});

function sorterFor(folder: string, bytesMax: number, rows: readonly Row[]): RowSorter {
  const sorter = createRowSorter(folder, bytesMax);
  opened.push(sorter);
  for (const [id, first, second, third, content] of rows) {
    // Amid others, as a row lies in its section.
    const bytes = Buffer.from(`before${content}after`);
    sorter.push(id, first, second, third, bytes, 6, 6 + Buffer.byteLength(content));
  }
  return sorter;
}

function drain(rows: SortedRows): readonly Row[] {
  const found: Row[] = [];
  while (rows.next()) {
    const { id, first, second, third, reader, bytes } = rows;
    const from = reader.position;
    // What a row ends with says how long it is.
    const end = bytes.indexOf(DOT, from) + 1;
    found.push([id, first, second, third, Buffer.from(bytes.slice(from, end)).toString()]);
  }
  return found;
}

/** Ids without gaps, few times, so that each number decides of some. */
function rowsFor(random: Random, count: number, ids: number): readonly Row[] {
  return Array.from({ length: count }, (_none, index): Row => {
    const pad = 'x'.repeat(random.pick([0, 1, 7, 600]));
    const first = random.pick([-Infinity, -5, 0, 0.5, 1_600_000_000_000, 1_600_000_000_001]);
    return [
      index < ids ? index : random.integer(0, ids - 1),
      first,
      random.integer(-1, 2),
      random.integer(0, 3),
      `${index}${pad}.`,
    ];
  });
}

function compare(one: Row, other: Row): number {
  for (let place = 0; place < 4; place++) {
    const [a, b] = [one[place] as number, other[place] as number];
    if (a !== b) return a < b ? -1 : 1;
  }
  return 0;
}

function keyOf([id, first, second, third]: Row): readonly number[] {
  return [id, first, second, third];
}

test.each([1, 2, 3, 4, 5, 6])('rows come in order, each with its bytes, seed %i', (seed) => {
  const random = createRandom(seed);
  const all = rowsFor(random, random.pick([1, 9, 500, 5_000]), random.pick([1, 3, 40]));
  // From a file for each row to none at all.
  for (const bytesMax of [1, 2_000, 100_000, Infinity]) {
    const rows = bytesMax === 1 ? all.slice(0, 200) : all;
    const found = drain(sorterFor(folderForTest(), bytesMax, rows).sorted());
    expect(found.map(keyOf)).toEqual(rows.toSorted(compare).map(keyOf));
    // Rows of the same key come in any order.
    expect(found.map(String).toSorted()).toEqual(rows.map(String).toSorted());
  }
});

/** Files without a name that this process has open, in the folder. */
function openRuns(folder: string): number {
  const links = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return '';
    }
  });
  return links.filter((link) => link.startsWith(folder) && link.includes('.run')).length;
}

test.skipIf(process.platform !== 'linux')(
  'what does not fit into memory is in files that go with the sorter, so many and no more',
  () => {
    const folder = folderForTest();
    const sorter = sorterFor(folder, 1, rowsFor(createRandom(7), 64 * 64 + 130, 20));
    // One of the third level, two of the second, two of the first.
    expect(openRuns(folder)).toBe(5);
    expect(readdirSync(folder)).toEqual([]);
    sorter.sorted().next();
    sorter.close();
    sorter.close();
    expect(openRuns(folder)).toBe(0);
  },
);

test('a folder that cannot be written is told of', () => {
  const sorter = createRowSorter(join(folderForTest(), 'absent'), 1);
  expect(() => sorter.push(0, 0, 0, 0, new Uint8Array(1), 0, 1)).toThrow(
    expect.objectContaining({ code: 'output_unwritable' }),
  );
});

test('a row may be larger than what is read of a file at a time', () => {
  const large = `${'y'.repeat(3_000_000)}.`;
  const rows: readonly Row[] = [
    [1, 2, 0, 0, large],
    [0, 3, 0, 0, 'small.'],
    [1, 1, 0, 0, `1${large}`],
    [1, 3, 0, 0, 'last.'],
  ];
  const found = drain(sorterFor(folderForTest(), 4_000_000, rows).sorted());
  expect(found.map(([, , , , content]) => content.length)).toEqual([6, large.length + 1, large.length, 5]);
});

test('a sorter that got nothing gives nothing', () => {
  expect(drain(sorterFor(folderForTest(), 1_000, []).sorted())).toEqual([]);
});
