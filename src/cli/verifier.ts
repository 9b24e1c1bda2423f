/** What checks receipts against a log: wired here once, for the command and for the server. */
import { AGGREGATIONS } from '../aggregate/table.ts';
import { systemClock } from '../core/clock.ts';
import type { Definitions } from '../definition/definition.ts';
import type { Schemas } from '../event/schemas.ts';
import type { Log } from '../log/log.ts';
import { createLogReader } from '../replay/log-events.ts';
import type { Served } from '../replay/verify-check.ts';
import { type VerifiedJson, verifiedJson } from '../replay/verify-json.ts';
import { verify } from '../replay/verify.ts';
import { createKeptDefinitions } from './kept-definitions.ts';

/** Aligned with `served`. Rejects with `too_many_events`, what the log failed with, and the signal's reason. */
export type Verify = (served: readonly Served[], signal: AbortSignal) => Promise<readonly VerifiedJson[]>;

export function createVerify(
  log: Log,
  namespace: string,
  definitions: Definitions,
  eventsMax: number,
  schemas: Schemas | null = null,
): Verify {
  const kept = createKeptDefinitions(log, namespace, definitions);
  return async (served, signal) => {
    const found = await verify(served, {
      aggregations: AGGREGATIONS,
      serviceOf: (name, version, fingerprint) => kept.find(name, version, fingerprint),
      readers: async ({ topic }) =>
        (await log.ranges(topic)) === null ? null : createLogReader(log, topic, 'the log', schemas),
      eventsMax,
      nowMs: systemClock.nowMs(),
      signal,
    });
    return found.map((each, index) => verifiedJson((served[index] as Served).receipt, each));
  };
}
