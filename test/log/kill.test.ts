/** `kill -9` while appending: what was acknowledged is there, a batch is there whole or not at all, and nothing else is. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { openSqliteLog } from '../../src/log/sqlite.ts';
import { runAndKill } from '../contract/kill.ts';
import { randomFrom } from '../contract/random.ts';
import { BATCH } from './fixtures/append-child.ts';

const CHILD = join(import.meta.dirname, 'fixtures/append-child.ts');

test('a log killed while appending holds every acknowledged batch, and only whole ones', async () => {
  const seed = 20130203;
  const random = randomFrom(seed);
  const file = join(mkdtempSync(join(tmpdir(), 'skewless-kill-')), 'log.sqlite');
  let batches = 0;
  for (let life = 0; life < 6; life++) {
    const message = `seed ${seed}, life ${life}`;
    const { lines } = await runAndKill(CHILD, [file, `${batches}`], 1 + random.int(30), random.int(8));
    const log = await openSqliteLog({ file, clock: systemClock });
    const end = (await log.ranges('t'))?.[0]?.endOffset ?? -1;
    expect(end % BATCH, message).toBe(0);
    const acknowledged = Number(lines.at(-1)) + 1;
    expect(end / BATCH, message).toBeGreaterThanOrEqual(acknowledged);
    // At most the one batch that was under way.
    expect(end / BATCH, message).toBeLessThanOrEqual(acknowledged + 1);
    expect(await log.progressOf('t', 'child'), message).toBe(end / BATCH);
    const records = await log.read('t', 0, batches * BATCH, 1_000_000);
    const names = records.map(
      ({ value }) =>
        Buffer.from(value ?? [])
          .toString()
          .split(' ')[0],
    );
    const expected = Array.from({ length: records.length }, (_, index) => {
      return `${batches + Math.floor(index / BATCH)}/${index % BATCH}`;
    });
    expect(names, message).toEqual(expected);
    batches = end / BATCH;
    await log.close();
  }
  expect(batches).toBeGreaterThan(20);
});
