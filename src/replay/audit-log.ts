/**
 * Reports in a topic of the log, where servers find them. Reports of rows that no audit had seen before say up to where they
 * went, and the next one begins there; the log takes each such step once, whoever makes it and however often they are killed.
 */
import { SkewlessError } from '../core/errors.ts';
import type { Log, TopicSettings } from '../log/log.ts';
import { type AuditReport, encodeReport, parseReport } from '../vector/audit-report.ts';

const SETTINGS: TopicSettings = { keepsAll: true, recordBytesMax: 1_048_588 };
/** Under which the log keeps how many steps there were. */
const PROGRESS = 'audit';
const RECORDS_PER_READ = 100;

/** How far audits of new rows have come. */
export interface AuditProgress {
  readonly audits: number;
  /** Of the served log, by partition; null: from its beginning. */
  readonly positions: AuditReport['positions'] | null;
}

export async function readProgress(log: Log, topic: string): Promise<AuditProgress> {
  if ((await log.ranges(topic)) === null) return { audits: 0, positions: null };
  const audits = await log.progressOf(topic, PROGRESS);
  return { audits, positions: audits === 0 ? null : await lastPositions(log, topic) };
}

/** From the end back. */
async function lastPositions(log: Log, topic: string): Promise<AuditProgress['positions']> {
  const [range] = (await log.ranges(topic)) ?? [];
  let end = range?.endOffset ?? 0;
  const start = range?.startOffset ?? 0;
  while (end > start) {
    const from = Math.max(start, end - RECORDS_PER_READ);
    const records = await log.read(topic, 0, from, end - from);
    const reports = records.filter(({ offset }) => offset < end).map(({ value }) => parseReport(value));
    const last = reports.findLast((report) => report?.kind === 'new');
    if (last) return last.positions;
    end = from;
  }
  return null;
}

/** `progress`: what was read before an audit of new rows. Rejects with `audit_running` where another has made the same step. */
export async function publish(
  log: Log,
  topic: string,
  reports: readonly AuditReport[],
  progress: AuditProgress | null,
): Promise<void> {
  if (reports.length === 0) return;
  await log.ensureTopic(topic, 1, SETTINGS);
  const records = reports.map((report) => ({
    key: null,
    value: encodeReport(report),
    timestampMs: null,
    partition: 0,
  }));
  if (progress === null) {
    await log.append(topic, records);
    return;
  }
  const { audits } = progress;
  try {
    await log.append(topic, records, { progress: { id: PROGRESS, from: audits, done: audits + 1 } });
  } catch (cause) {
    if (!(cause instanceof SkewlessError) || cause.code !== 'progress_moved') throw cause;
    throw new SkewlessError('audit_running', 'another process has audited the same rows meanwhile', { cause });
  }
}
