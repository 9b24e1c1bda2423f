/** `GET /v1/audits`: what audits published, as they did. */
import { expect, test } from 'vitest';
import type { Log } from '../../../src/log/log.ts';
import { publish } from '../../../src/replay/audit-log.ts';
import { REPORTS_KEPT_MAX, createAuditReports } from '../../../src/serve/audit-reports.ts';
import { type AuditReport, auditsTopic } from '../../../src/vector/audit-report.ts';
import { keyWith, startGuarded } from '../access/fixture.ts';
import { startAirport } from '../vectors/fixture.ts';

const TOPIC = auditsTopic('test');

function reportOf(service: string, mismatched = 0): AuditReport {
  const feature = { feature: 'late', skipped: { STALE: 1 }, differing: 1, missing: 1, extra: 0 };
  const figures = { ...feature, compared: 5, mismatched, mean_difference: null, largest_difference: null };
  return {
    format: 1,
    audited_at: '2013-01-31T17:00:00.000Z',
    kind: 'new',
    service,
    version: 1,
    fingerprint: 'f',
    served_from: '2013-01-31T16:00:00.000Z',
    served_until: '2013-01-31T16:59:00.000Z',
    positions: { 0: { from: 3, next: 9 } },
    rows: 6,
    skipped: { erased: 1 },
    compared: 5,
    mismatched,
    features: [figures],
    examples: [],
  };
}

test('audits are listed newest first, page after page, with the figures of each feature', async () => {
  const { log, get } = await startAirport();
  expect((await get('/v1/audits')).json).toEqual({ items: [], next_page_token: null });
  for (let mismatched = 0; mismatched < 5; mismatched++) {
    await publish(log, TOPIC, [reportOf('departure_delay', mismatched)], null);
    // Read as they come: what was read before is not read again, and nothing is left out.
    if (mismatched % 2 === 0) await get('/v1/audits');
  }
  const found: unknown[] = [];
  for (let token = ''; ; ) {
    const { json } = await get(`/v1/audits?limit=2${token}`);
    found.push(...json.items.map((each: { mismatched: number }) => each.mismatched));
    if (json.next_page_token === null) break;
    token = `&page_token=${json.next_page_token}`;
  }
  expect(found).toEqual([4, 3, 2, 1, 0]);
  const [item] = (await get('/v1/audits?limit=1')).json.items;
  const { format: _format, positions: _positions, ...figures } = reportOf('departure_delay', 4);
  expect(item).toEqual({ id: '4', ...figures });
});

test('a key sees audits of the services that it may read, and a caller may ask for one of them', async () => {
  const reader = keyWith(['read:departure_delay']);
  const [all, admin, writer] = [keyWith(['read:*']), keyWith(['admin']), keyWith(['ingest:departures'])];
  const { call, log } = await startGuarded([reader, all, admin, writer]);
  await publish(log, TOPIC, [reportOf('departure_delay'), reportOf('departure_pay')], null);
  const seen = async ({ headers }: typeof reader, query = '') => {
    const { json } = await call({ url: `/v1/audits${query}`, headers });
    return json.items.map(({ service }: { service: string }) => service);
  };
  expect(await seen(reader)).toEqual(['departure_delay']);
  expect(await seen(all)).toEqual(['departure_pay', 'departure_delay']);
  expect(await seen(admin)).toEqual(['departure_pay', 'departure_delay']);
  expect(await seen(writer)).toEqual([]);
  expect(await seen(all, '?service=departure_delay')).toEqual(['departure_delay']);
  expect(await seen(reader, '?service=departure_pay')).toEqual([]);
});

test('a process without a log, or with one that does not answer, says so', async () => {
  const { get } = await startAirport({ withLog: false });
  expect(await get('/v1/audits')).toMatchObject({ status: 503, json: { code: 'log_unavailable' } });
  const broken: Pick<Log, 'ranges' | 'read'> = {
    ranges: () => Promise.reject(new Error('away')),
    read: () => Promise.resolve([]),
  };
  const other = await startAirport({ dependencies: { auditReports: createAuditReports(broken, TOPIC) } });
  expect(await other.get('/v1/audits')).toMatchObject({ status: 503, json: { code: 'log_unavailable' } });
  expect((await other.get('/metrics')).status).toBe(200);
  const silent: Pick<Log, 'ranges' | 'read'> = { ...broken, ranges: () => new Promise(() => undefined) };
  const third = await startAirport({ dependencies: { auditReports: createAuditReports(silent, TOPIC) } });
  expect((await third.get('/metrics')).status).toBe(200);
});

test('of old audits the newest are kept, and what is no report is passed over', async () => {
  const { log, get } = await startAirport();
  const reports = Array.from({ length: REPORTS_KEPT_MAX + 7 }, (_none, index) => reportOf('departure_delay', index));
  await publish(log, TOPIC, reports, null);
  const reader = createAuditReports(log, TOPIC);
  expect((await reader.read()).map(({ report }) => report.mismatched)).toEqual(
    Array.from({ length: REPORTS_KEPT_MAX }, (_none, index) => index + 7),
  );
  await log.append(TOPIC, [{ key: null, value: Buffer.from('{'), timestampMs: null }]);
  await publish(log, TOPIC, [reportOf('departure_delay', 1_000)], null);
  const read = await reader.read();
  expect([read.length, read.at(-1)?.report.mismatched]).toEqual([REPORTS_KEPT_MAX, 1_000]);
  // Metrics wait for no log: each scrape says what the one before has asked for.
  await expect
    .poll(async () => (await get('/metrics')).text)
    .toContain('skewless_audit_values{service="departure_delay@1",feature="late",outcome="mismatched"} 1000\n');
});
