/** Says in the log that reads fail, at most once a second: an outage under load must not become a flood of lines. */
import type { FastifyBaseLogger } from 'fastify';
import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import type { ShardOutcome } from './shard-reads.ts';
import { createSilence } from './silence.ts';

export interface Outages {
  /** By `shardText`. */
  report(outcomes: ReadonlyMap<string, ShardOutcome>): void;
}

export function createOutages(logger: FastifyBaseLogger, clock: Clock): Outages {
  const unsaidUntilNow = createSilence(clock);
  return {
    report(outcomes) {
      for (const [shard, outcome] of outcomes) {
        const unread = outcome.kind === 'read' ? outcome.lacks : outcome;
        if (unread?.kind !== 'unavailable') continue;
        const unsaid = unsaidUntilNow();
        if (unsaid !== null) logger.warn({ shard, reason: messageOf(unread.error), unsaid }, 'a shard cannot be read');
      }
    },
  };
}
