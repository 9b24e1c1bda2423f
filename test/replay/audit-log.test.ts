/** Reports in their topic: where the next audit of new rows begins, and that a step is made once. */
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openSqliteLog } from '../../src/log/sqlite.ts';
import { publish, readProgress } from '../../src/replay/audit-log.ts';
import type { AuditReport } from '../../src/vector/audit-report.ts';
import { folderForTest } from './support.ts';

const TOPIC = 'test.audits';

async function openLog() {
  const log = await openSqliteLog({ file: join(folderForTest(), 'log.sqlite'), clock: { nowMs: () => 1_000 } });
  onTestFinished(() => log.close());
  return log;
}

function report(kind: AuditReport['kind'], next: number): AuditReport {
  const time = '2013-01-31T17:00:00.000Z';
  const served = { served_from: time, served_until: time, positions: { 0: { from: 0, next } } };
  const figures = { rows: 1, skipped: {}, compared: 0, mismatched: 0, features: [], examples: [] };
  return { format: 1, audited_at: time, kind, service: 's', version: 1, fingerprint: 'f', ...served, ...figures };
}

test('the next audit of new rows begins where the last one ended, however many others were published since', async () => {
  const log = await openLog();
  expect(await readProgress(log, TOPIC)).toEqual({ audits: 0, positions: null });
  await publish(log, TOPIC, [report('new', 7), report('new', 7)], await readProgress(log, TOPIC));
  for (let time = 0; time < 250; time++) await publish(log, TOPIC, [report('range', 100 + time)], null);
  expect(await readProgress(log, TOPIC)).toEqual({ audits: 1, positions: { 0: { from: 0, next: 7 } } });
  await publish(log, TOPIC, [report('new', 9)], await readProgress(log, TOPIC));
  expect(await readProgress(log, TOPIC)).toEqual({ audits: 2, positions: { 0: { from: 0, next: 9 } } });
});

test('of two processes that audit the same rows one publishes, and the other is told', async () => {
  const log = await openLog();
  const progress = await readProgress(log, TOPIC);
  await publish(log, TOPIC, [report('new', 7)], progress);
  await expect(publish(log, TOPIC, [report('new', 7)], progress)).rejects.toMatchObject({ code: 'audit_running' });
  expect((await log.ranges(TOPIC))?.[0]?.endOffset).toBe(1);
});
