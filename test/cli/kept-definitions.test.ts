/** A receipt's definitions among those that are kept in the log: name, version and fingerprint must all be its own. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createKeptDefinitions, keepDefinitions } from '../../src/cli/kept-definitions.ts';
import { systemClock } from '../../src/core/clock.ts';
import { openSqliteLog } from '../../src/log/sqlite.ts';
import { compileDefinitions } from '../serve/harness.ts';
import { temporaryFolder } from './run.ts';

const EARLIER = `
sources:
  - { name: orders, key: [shop], event_time: at, fields: { shop: string, at: timestamp, amount: double } }
entities: [{ name: shop, keys: { shop: string } }]
views:
  - { name: sales, entity: shop, source: orders, features: [{ name: sold, agg: sum, of: amount, windows: [24h] }] }
  - { name: visits, entity: shop, source: orders, features: [{ name: seen, agg: count, windows: [24h] }] }
services:
  - { name: scoring, features: [sales.*] }
  - { name: visiting, features: [visits.*] }
`;

test('a service is found by its name, its version and its fingerprint, and by no two of them', async () => {
  const folder = temporaryFolder();
  const log = await openSqliteLog({ file: join(folder, 'log.sqlite'), clock: systemClock });
  onTestFinished(() => log.close());
  const earlier = compileDefinitions(EARLIER);
  writeFileSync(join(folder, 'shops.yaml'), EARLIER);
  await keepDefinitions(log, 'default', earlier, folder, (message) => {
    throw new Error(message);
  });
  const now = compileDefinitions(EARLIER.replaceAll('24h', '7d'));
  for (const known of [earlier, now]) {
    const { find } = createKeptDefinitions(log, 'default', known);
    for (const { services } of [earlier, known]) {
      for (const { name, version, fingerprint, id } of services.values()) {
        expect(await find(name, version, fingerprint)).toMatchObject({ id, fingerprint });
        expect(await find(name, version + 1, fingerprint)).toContain(`the definitions of ${name}@2 with`);
        const other = name === 'scoring' ? 'visiting' : 'scoring';
        expect(await find(other, version, fingerprint)).toContain(`the definitions of ${other}@1 with`);
      }
    }
  }
});
