/** An app that logs what it serves, and the audit of it. */
import { join } from 'node:path';
import { AGGREGATIONS } from '../../src/aggregate/table.ts';
import type { Log } from '../../src/log/log.ts';
import { type Audit, type AuditOptions, audit } from '../../src/replay/audit.ts';
import { createLogReader } from '../../src/replay/log-events.ts';
import { type ServedLog, createServedLog } from '../../src/serve/served-log.ts';
import { servedTopic } from '../../src/vector/served-row.ts';
import { type Harness, type HarnessOptions, startHarness } from '../serve/harness.ts';
import { folderForTest } from './support.ts';

export const TOPIC = servedTopic('test');

export interface Logging extends Harness {
  /** Until all that was served is in the log. */
  readonly whenLogged: () => Promise<void>;
  readonly audit: (options?: Partial<AuditOptions>) => Promise<Audit>;
}

/** All that the harness serves is logged. */
export async function startLogging(options: HarnessOptions): Promise<Logging> {
  const dependencies: { servedLog?: ServedLog } = {};
  const harness = await startHarness({
    ...options,
    async beforeMaterialize(log) {
      await log.ensureTopic(TOPIC, 1);
      const bounds = { lingerMs: 0 };
      const onWarning = (message: string): never => {
        throw new Error(message);
      };
      dependencies.servedLog = createServedLog({ log, topic: TOPIC, share: 1, onWarning, bounds });
      await options.beforeMaterialize?.(log);
    },
    dependencies,
  });
  const logged = async (): Promise<void> => {
    while (dependencies.servedLog?.report().queuedRows !== 0) await new Promise((resolve) => setTimeout(resolve, 1));
  };
  return {
    ...harness,
    whenLogged: logged,
    async audit(more) {
      await logged();
      return auditFor(harness, more);
    },
  };
}

export async function auditFor(
  { definitions, log, clock }: Pick<Harness, 'definitions' | 'clock'> & { readonly log: Log },
  options: Partial<AuditOptions> = {},
): Promise<Audit> {
  const served = createLogReader(log, TOPIC, 'test');
  const services = [...definitions.services.values()];
  return audit({
    serviceOf: (_name, _version, fingerprint) =>
      Promise.resolve(services.find((each) => each.fingerprint === fingerprint) ?? 'nobody knows it'),
    aggregations: AGGREGATIONS,
    readers: ({ topic }) => Promise.resolve(createLogReader(log, topic, 'test')),
    served,
    servedRanges: await served.ranges(),
    times: { fromMs: -Infinity, untilMs: Infinity },
    kind: 'range',
    nowMs: clock.nowMs(),
    workPath: join(folderForTest(), 'work'),
    signal: new AbortController().signal,
    onProgress: () => undefined,
    ...options,
  });
}
