/** What `skewless audit` tells of each of its runs, where somebody wants to know. */
import type { LogLocation } from '../flag-values.ts';
import type { Definitions } from '../definition/definition.ts';
import { auditJob } from '../openlineage/jobs.ts';
import type { OpenLineageLocation } from '../openlineage/location.ts';
import { startRun } from '../openlineage/run.ts';
import { auditsTopic } from '../vector/audit-report.ts';
import { servedTopic } from '../vector/served-row.ts';
import { type SecurityFlags, warnOnStderr } from './connect.ts';
import { openReporter, placeOfLog } from './openlineage.ts';

interface AuditReporter {
  /** One run: it is complete when `work` resolves, and failed when it rejects. */
  tell<T>(work: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

const NOBODY: AuditReporter = { tell: (work) => work(), close: () => Promise.resolve() };

export async function openAuditReporter(
  location: OpenLineageLocation | undefined,
  security: SecurityFlags,
  audited: { readonly definitions: Definitions; readonly log: LogLocation; readonly namespace: string },
): Promise<AuditReporter> {
  if (location === undefined) return NOBODY;
  const { definitions, namespace } = audited;
  const reporter = await openReporter(location, security, warnOnStderr);
  const topics = { served: servedTopic(namespace), audits: auditsTopic(namespace) };
  const job = auditJob(reporter.producer, placeOfLog(audited.log), namespace, definitions, topics);
  return {
    async tell(work) {
      const run = startRun(reporter, job);
      try {
        const done = await work();
        run.complete();
        return done;
      } catch (error) {
        run.fail(error);
        throw error;
      }
    },
    close: reporter.close,
  };
}
