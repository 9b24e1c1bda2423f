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

test('values of features that are listed are counted by feature, whatever else a list holds, and over more lists than are kept', async () => {
  const { post, get, definitions } = await startAirport();
  const names = (definitions.views.get('delays@1')?.features ?? []).map(({ name }) => name);
  const others = (...taken: string[]): string[] => names.filter((name) => !taken.includes(name));
  const lists = names.flatMap((first) =>
    others(first).flatMap((second) => [
      [first, second],
      ...others(first, second).map((third) => [first, second, third]),
    ]),
  );
  expect(lists.length).toBeGreaterThan(64);
  for (const list of lists) {
    const asked = { features: list.map((name) => `delays:${name}`), entities: { origin: ['JFK', 'nowhere'] } };
    expect((await post('/get-online-features', asked)).status).toBe(200);
  }
  await post('/get-online-features', FEAST);
  const { text } = await get('/metrics');
  const counted = (feature: string, status: string): number =>
    Number(
      text
        .split(`skewless_feature_values_total{service="(listed)",feature="delays@1:${feature}",status="${status}"} `)[1]
        ?.split('\n')[0] ?? 0,
    );
  const values = lists.flat();
  for (const name of names) {
    const times = values.filter((each) => each === name).length;
    expect([name, counted(name, 'NOT_FOUND')]).toEqual([name, times]);
    expect([name, counted(name, 'PRESENT') + counted(name, 'NULL_VALUE')]).toEqual([name, times]);
  }
  expect(text).toContain(`skewless_values_total{service="(listed)",status="NOT_FOUND"} ${values.length}\n`);
  expect(text.match(/^skewless_request_rows_count\{service="\(listed\)"\} /gm)).toHaveLength(1);
  expect(text).toMatch(
    /^skewless_feature_values_total\{service="departure_delay@1",feature="\w+",status="PRESENT"\} 1$/m,
  );
});
