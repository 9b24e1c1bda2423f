/** Evaluations that are written in the order of entities are there for each row, wherever its pages lie. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import type { Evaluation } from '../../src/state/state.ts';
import { KNOWN } from '../../src/replay/fold-orders.ts';
import { BLOCK_ROWS, type EvaluationWriter, openResults, readResults } from '../../src/replay/results.ts';
import { createRandom } from '../oracle/random.ts';
import { folderForTest } from './support.ts';

const PADDING = new Uint8Array(700);

/** The value and the time, and bytes enough for several pages of each block. */
const writeEvaluation: EvaluationWriter = (writer, _appearance, { values }, asOfMs) => {
  writer.f64(values[0] as number);
  writer.f64(asOfMs);
  writer.raw(PADDING);
};

function evaluationOf(value: number): Evaluation {
  return { values: [value], statuses: ['PRESENT'], eventTimesMs: [null], fromMs: -Infinity, untilMs: Infinity };
}

function valueOf(row: number, known: number, appearance: number): number {
  return row * 10 + known * 5 + appearance;
}

const ROWS = BLOCK_ROWS * 2 + 100;
const KNOWNS = [KNOWN.eventTime, KNOWN.arrival];
const APPEARANCES = [0, 2];

async function write(path: string, rows: readonly number[]): Promise<void> {
  const results = openResults(path, writeEvaluation);
  for (const known of KNOWNS) {
    for (const appearance of APPEARANCES) {
      for (const row of rows) {
        results.add(known, row, appearance, evaluationOf(valueOf(row, known, appearance)), row);
      }
    }
  }
  await results.write();
  results.close();
}

test('each row has its evaluations, of each kind and appearance, out of several files', async () => {
  const rows = createRandom(1).shuffle(Array.from({ length: ROWS }, (_none, row) => row).filter((row) => row % 7 > 0));
  const folder = folderForTest();
  const paths = [join(folder, 'one'), join(folder, 'other')];
  await write(paths[0] as string, rows.slice(0, 9_000));
  await write(paths[1] as string, rows.slice(9_000));
  const results = await readResults(paths, 3);
  const wrong: unknown[] = [];
  for (let row = 0; row < ROWS; row++) {
    const block = await results.blockOf(row);
    if (block.has(row) !== row % 7 > 0) wrong.push(row);
    for (const known of KNOWNS) {
      for (const appearance of APPEARANCES) {
        const bytes = block.find(row, known, appearance);
        const found = bytes === null ? null : [bytes.f64(), bytes.f64()];
        const expected = row % 7 > 0 ? [valueOf(row, known, appearance), row] : null;
        if (JSON.stringify(found) !== JSON.stringify(expected)) wrong.push([row, known, appearance, found]);
      }
      if (block.find(row, known, 1) !== null) wrong.push([row, known]);
    }
  }
  await results.close();
  expect(wrong).toEqual([]);
});

test('a row that is skipped is there with its reason and nothing else', async () => {
  const path = join(folderForTest(), 'results');
  const results = openResults(path, writeEvaluation);
  results.skip(BLOCK_ROWS, 1, KNOWN.erased);
  await results.write();
  results.close();
  const reader = await readResults([path], 2);
  const block = await reader.blockOf(BLOCK_ROWS);
  expect(block.find(BLOCK_ROWS, KNOWN.erased, 1)).not.toBeNull();
  expect(block.find(BLOCK_ROWS, KNOWN.crossed, 1)).toBeNull();
  expect((await reader.blockOf(0)).has(0)).toBe(false);
  await reader.close();
});

test('a file that was not written to its end is not there', async () => {
  const folder = folderForTest();
  const results = openResults(join(folder, 'results'), writeEvaluation);
  results.add(KNOWN.eventTime, 1, 0, evaluationOf(1), 0);
  results.close();
  expect(readdirSync(folder)).toEqual([]);
});

test('blocks whose pages are written leave no memory behind, however many there are', () => {
  const path = join(folderForTest(), 'many');
  const results = openResults(path, writeEvaluation);
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const held = (): number => {
    collect();
    return process.memoryUsage().arrayBuffers;
  };
  const before = held();
  // Rows of an entity follow one another, as they do in files that are in such an order.
  for (let row = 0; row < BLOCK_ROWS * 30; row++) results.add(KNOWN.eventTime, row, 0, evaluationOf(row), row);
  // Some 170 MB were written; the 16 that may wait take twice as much where they grow.
  expect(held() - before).toBeLessThan(64 * 2 ** 20);
  results.close();
});
