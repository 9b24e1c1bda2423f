/** Says in the log that states are corrupt, at most once a second: each row that asks for one must not be a line. */
import type { FastifyBaseLogger } from 'fastify';
import type { Clock } from '../core/clock.ts';
import { createSilence } from './silence.ts';

export interface CorruptStates {
  /** `shard`: by `shardText`. Of which entity the state is, is not said. */
  report(shard: string, view: string, reason: string): void;
}

export function createCorruptStates(logger: FastifyBaseLogger, clock: Clock): CorruptStates {
  const unsaidUntilNow = createSilence(clock);
  return {
    report(shard, view, reason) {
      const unsaid = unsaidUntilNow();
      if (unsaid !== null) logger.error({ shard, view, reason, unsaid }, 'corrupt state');
    },
  };
}
