/** What audits have published, as far back as `REPORTS_KEPT_MAX`: read from where it was left, when somebody asks. */
import type { Log } from '../log/log.ts';
import { type AuditReport, parseReport } from '../vector/audit-report.ts';

export interface PublishedAudit {
  /** In the topic: the later, the greater. */
  readonly offset: number;
  readonly report: AuditReport;
}

export interface AuditReports {
  /** Oldest first. Rejects as the log does; what is known already is kept. */
  read(): Promise<readonly PublishedAudit[]>;
  /** As it was last read. */
  known(): readonly PublishedAudit[];
}

export const REPORTS_KEPT_MAX = 500;
const RECORDS_PER_READ = 100;

/** `topic`: may not be there yet. */
export function createAuditReports(log: Pick<Log, 'ranges' | 'read'>, topic: string): AuditReports {
  let kept: readonly PublishedAudit[] = [];
  let position = 0;
  let reading: Promise<readonly PublishedAudit[]> | null = null;

  async function readNew(): Promise<readonly PublishedAudit[]> {
    const [range] = (await log.ranges(topic)) ?? [];
    if (range === undefined) return kept;
    const { startOffset, endOffset } = range;
    // Another log than before.
    if (endOffset < position) kept = [];
    let next = Math.max(endOffset < position ? 0 : position, startOffset, endOffset - REPORTS_KEPT_MAX);
    const found: PublishedAudit[] = [];
    while (next < endOffset) {
      const records = await log.read(topic, 0, next, RECORDS_PER_READ);
      for (const { offset, value } of records) {
        const report = parseReport(value);
        if (report !== null) found.push({ offset, report });
      }
      const last = records.at(-1);
      if (last === undefined) break;
      next = last.offset + 1;
    }
    kept = [...kept, ...found].slice(-REPORTS_KEPT_MAX);
    // Markers of transactions take offsets, too.
    position = Math.max(next, endOffset);
    return kept;
  }

  return {
    known: () => kept,
    read() {
      reading ??= readNew().finally(() => {
        reading = null;
      });
      return reading;
    },
  };
}
