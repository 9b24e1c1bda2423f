/** What happens again and again is said once a second, with how often it was not: neither rows nor an outage may flood the log. */
import type { Clock } from '../core/clock.ts';

const SILENCE_MS = 1_000;

/** Answers how many times it was not said since it last was; null: it is not to be said now. */
export function createSilence(clock: Clock): () => number | null {
  let silentUntilMs = Number.NEGATIVE_INFINITY;
  let unsaid = 0;
  return () => {
    const nowMs = clock.nowMs();
    if (nowMs < silentUntilMs) {
      unsaid++;
      return null;
    }
    const count = unsaid;
    silentUntilMs = nowMs + SILENCE_MS;
    unsaid = 0;
    return count;
  };
}
