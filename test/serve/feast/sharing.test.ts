/** What the routes of Feast share with the others, and what they do not. */
import { expect, test } from 'vitest';
import { createServedLog } from '../../../src/serve/served-log.ts';
import { startAirport } from '../vectors/fixture.ts';

const FEAST = { feature_service: 'departure_delay', entities: { origin: ['JFK'], scheduled_hour: [17] } };

test('nothing read in Feast’s form goes into the served log, whose values are in another', async () => {
  let logged = 0;
  const log = {
    ensureTopic: () => Promise.resolve(),
    append: async (_topic: string, records: readonly unknown[]) => {
      logged += records.length;
      return [];
    },
  };
  const servedLog = createServedLog({ log, topic: 'served', share: 1, onWarning: () => undefined });
  const { post, vectors } = await startAirport({ dependencies: { servedLog } });
  expect((await post('/get-online-features', FEAST)).status).toBe(200);
  const listed = { features: ['delays:departures_1h'], entities: { origin: ['JFK'] } };
  expect((await post('/get-online-features', listed)).status).toBe(200);
  await vectors('departure_delay', { entities: [{ origin: 'JFK', scheduled_hour: 17 }] });
  await servedLog.close();
  expect(logged).toBe(1);
});

test('who reads a service is counted, in whichever form', async () => {
  const { post, get } = await startAirport();
  await post('/get-online-features', FEAST);
  const { text } = await get('/metrics');
  expect(text).toMatch(/skewless_\w*reader\w*\{[^}]*service="departure_delay@1"[^}]*\} 1\b/);
});
