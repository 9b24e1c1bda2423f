/** How many cards a scenario needs. Read by k6 and by Node alike, so it imports nothing of either. */
import type { Load, ScenarioName } from './budgets.ts';

/** Before what is measured: compilers have compiled, connections are open. */
export const WARM_UP_SECONDS = 5;
/** Of a request of cold-cache. */
export const COLD_ROWS = 5;
/** Its parts are tenths of the time, and each needs a second beside its pauses. */
const REDIS_DOWN_SECONDS_MIN = 20;
const CARDS = 2_000;
/** What is loaded in a few seconds; a longer run of cold-cache comes back to cards it had. */
const COLD_CARDS_MAX = 200_000;

export function cardsFor(scenario: ScenarioName, { perSecond, seconds }: Load): number {
  if (scenario !== 'cold-cache') return CARDS;
  return Math.min(COLD_CARDS_MAX, Math.ceil(perSecond * (seconds + WARM_UP_SECONDS) * COLD_ROWS * 1.01));
}

export function secondsMinOf(scenario: ScenarioName): number {
  return scenario === 'redis-down' ? REDIS_DOWN_SECONDS_MIN : 1;
}
