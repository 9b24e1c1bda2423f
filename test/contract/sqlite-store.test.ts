import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import { describeStoreContract } from './store-contract.ts';

let file = '';
beforeEach(() => {
  file = join(mkdtempSync(join(tmpdir(), 'skewless-store-')), 'store.sqlite');
});

describeStoreContract('SQLite', (namespace) => openSqliteStore({ file, namespace }));

test('a file that is not ours is refused, and says so', async () => {
  writeFileSync(file, 'not a database, but long enough to be taken for one'.repeat(100));
  await expect(openSqliteStore({ file, namespace: 'n' })).rejects.toMatchObject({
    code: 'sqlite_unusable',
    retryable: false,
  });
});
