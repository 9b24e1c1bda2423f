/** Redis hangs and goes on, is killed and comes back empty. Between and after, all is served as before. */
import type { Scenario } from 'k6/options';
import { optionsOf, run, steadyPart } from '../k6/plan.ts';
import { WARM_UP_SECONDS } from '../workload.ts';

export { flightRow } from '../k6/flows.ts';
export { askWhileAway, askWhileReturning, hangRedis, killRedis, restartRedis, resumeRedis } from '../k6/faults.ts';
export { handleSummary } from '../k6/summary.ts';

/** In order: what is asked, for how many tenths of the time, and what is done to Redis when that begins. */
const PARTS = [
  { exec: 'flightRow', tenths: 1, fault: null },
  { exec: 'askWhileAway', tenths: 1, fault: 'hangRedis' },
  { exec: 'askWhileReturning', tenths: 1, fault: 'resumeRedis' },
  { exec: 'flightRow', tenths: 1, fault: null },
  { exec: 'askWhileAway', tenths: 1, fault: 'killRedis' },
  { exec: 'askWhileReturning', tenths: 4, fault: 'restartRedis' },
  { exec: 'flightRow', tenths: 1, fault: null },
] as const;
/** Of a part, before its requests: requests that were under way when the fault came belong to nobody. */
const PAUSE_SECONDS = 0.5;

function scenarios(): Readonly<Record<string, Scenario>> {
  const { perSecond, seconds } = run.load;
  const parts: Record<string, Scenario> = {
    warm_up: steadyPart({ exec: 'flightRow', perSecond, startSeconds: 0, seconds: WARM_UP_SECONDS }),
  };
  let startSeconds = WARM_UP_SECONDS;
  for (const [index, { exec, tenths, fault }] of PARTS.entries()) {
    const lastSeconds = (seconds * tenths) / 10;
    if (fault !== null) parts[fault] = once(fault, startSeconds);
    parts[`part_${index}`] = steadyPart({
      exec,
      perSecond,
      startSeconds: startSeconds + PAUSE_SECONDS,
      seconds: lastSeconds - 2 * PAUSE_SECONDS,
    });
    startSeconds += lastSeconds;
  }
  return parts;
}

function once(exec: string, startSeconds: number): Scenario {
  return {
    exec,
    executor: 'shared-iterations',
    vus: 1,
    iterations: 1,
    startTime: `${startSeconds}s`,
    maxDuration: '30s',
  };
}

export const options = optionsOf(
  scenarios(),
  run.load.perSecond * (run.load.seconds - PARTS.length * 2 * PAUSE_SECONDS),
);
