import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import { openSqliteLog } from '../../src/log/sqlite.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import { describeStoreContract } from './store-contract.ts';

let file = '';
beforeEach(() => {
  file = join(mkdtempSync(join(tmpdir(), 'skewless-store-')), 'store.sqlite');
});

describeStoreContract('SQLite', (namespace) => openSqliteStore({ file, namespace }));

describeStoreContract('SQLite, in the file of a log', async (namespace) => {
  const log = await openSqliteLog({ file, clock: systemClock });
  await log.ensureTopic('t', 1);
  const store = await openSqliteStore({ file, namespace });
  return {
    ...store,
    async close() {
      await log.close();
      await store.close();
      // Neither has touched what is the other's.
      const again = await openSqliteLog({ file, clock: systemClock });
      expect((await again.ranges('t'))?.length).toBe(1);
      await again.close();
    },
  };
});

test('a store and a log that share a file from the start keep their own', async () => {
  const store = await openSqliteStore({ file, namespace: 'n' });
  const log = await openSqliteLog({ file, clock: systemClock });
  await log.ensureTopic('t', 1);
  await log.append('t', [{ key: null, value: Buffer.from('a'), timestampMs: 1 }]);
  const shard = { source: 's', entityKey: 'k', partition: 0 };
  expect(await store.read(shard, [{ fingerprint: 'f', entities: [] }])).toEqual([{ checkpoint: null, states: [] }]);
  await store.close();
  await log.close();
});
