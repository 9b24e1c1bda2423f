import { expect, test } from 'vitest';
import { ANONYMOUS, READINGS_MAX, createReaders } from '../../src/serve/readers.ts';
import { keyWith } from './access/fixture.ts';

test('keys of one name are one reader, and without keys everybody is', () => {
  const readers = createReaders();
  const [old, young] = [keyWith(['read:*'], { name: 'model' }), keyWith(['read:*'], { name: 'model' })];
  readers.count(old.key, 'a@1', 5);
  readers.count(young.key, 'a@1', 7);
  readers.count(young.key, 'b@1', 8);
  readers.count(null, 'b@1', 9);
  expect(readers.report()).toEqual([
    { service: 'a@1', reader: 'model', requests: 2, lastMs: 7 },
    { service: 'b@1', reader: ANONYMOUS, requests: 1, lastMs: 9 },
    { service: 'b@1', reader: 'model', requests: 1, lastMs: 8 },
  ]);
});

test('beyond the bound readers are counted together, and no request is lost', () => {
  const readers = createReaders();
  const more = 5;
  for (let index = 0; index < READINGS_MAX + more; index++) {
    const { key } = keyWith([], { name: `reader ${index}` });
    readers.count(key, 'a@1', index);
    readers.count(key, 'a@1', index);
  }
  const report = readers.report();
  expect(report).toHaveLength(READINGS_MAX + 1);
  expect(report.find(({ reader }) => reader === 'others')?.requests).toBe(2 * more);
});
