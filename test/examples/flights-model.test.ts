/** The example's model, over a day and a half: what the server answers as time goes on scores as the training set does. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const MODEL = join(import.meta.dirname, '../../examples/flights/model.ts');

async function runModel(args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [MODEL, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  expect([code, output]).toEqual([0, expect.any(String)]);
  return output;
}

test('online and offline predictions are equal, row for row, and features made otherwise predict otherwise', async () => {
  const output = await runModel(['--from', '2013-01-03', '--split', '2013-01-04', '--until', '2013-01-04T18:00:00Z']);
  const [, equal, scored] = /equal predictions, bit for bit +(\d+) of (\d+)/.exec(output) ?? [];
  expect(Number(scored)).toBeGreaterThan(200);
  expect(equal).toBe(scored);
  const areas = [...output.matchAll(/AUC (0\.\d+)/g)].map(([, area]) => Number(area));
  expect(areas).toHaveLength(5);
  const [offline, online, promised, given] = areas as [number, number, number, number];
  expect(online).toBe(offline);
  expect(promised).toBeGreaterThan(given);
  const [, others] = /another prediction for +(\d+)/.exec(output) ?? [];
  expect(Number(others)).toBeGreaterThan(0);
}, 300_000);
