/** Says in the log that reads fail, at most once a second: an outage under load must not become a flood of lines. */
import type { FastifyBaseLogger } from 'fastify';
import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import type { ShardOutcome } from './shard-reads.ts';

const SILENCE_MS = 1_000;

export interface Outages {
  /** By `shardText`. */
  report(outcomes: ReadonlyMap<string, ShardOutcome>): void;
}

export function createOutages(logger: FastifyBaseLogger, clock: Clock): Outages {
  let silentUntilMs = Number.NEGATIVE_INFINITY;
  let unsaid = 0;
  return {
    report(outcomes) {
      for (const [shard, outcome] of outcomes) {
        const unread = outcome.kind === 'read' ? outcome.lacks : outcome;
        if (unread?.kind !== 'unavailable') continue;
        const nowMs = clock.nowMs();
        if (nowMs < silentUntilMs) {
          unsaid++;
          continue;
        }
        logger.warn({ shard, reason: messageOf(unread.error), unsaid }, 'a shard cannot be read');
        silentUntilMs = nowMs + SILENCE_MS;
        unsaid = 0;
      }
    },
  };
}
