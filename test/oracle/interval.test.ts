/** The oracle's validity intervals, judged by listing what contributes: the same within, and different one step beyond. */
import { expect, test } from 'vitest';
import type { OracleEvent } from './decode.ts';
import { generateScenario } from './generate.ts';
import { interestingTimes } from './generate-log.ts';
import { durationMs, edgeMs, type ModelView, outputsOf, tailMs } from './model.ts';
import { eventsOf, oracleInterval } from './oracle.ts';

/** All that an answer may depend on, as text: each window's events, the newest event, whether it is too old, what is complete. */
function contributing(
  view: ModelView,
  events: readonly OracleEvent[],
  asOfMs: number,
  completeFromMs: number | null,
): string {
  const windows = outputsOf(view).map(({ span }) => {
    const [start, end] = [tailMs(span, asOfMs), edgeMs(span, asOfMs)];
    const complete = completeFromMs === null || start >= completeFromMs;
    return [events.map((_, at) => at).filter((at) => isWithin(events[at] as OracleEvent, start, end)), complete];
  });
  const newest = events.findLastIndex((event) => event.tsMs < asOfMs);
  const age = asOfMs - (events[newest]?.tsMs ?? asOfMs);
  return JSON.stringify([windows, newest, view.max_age !== undefined && age > durationMs(view.max_age)]);
}

function isWithin({ tsMs }: OracleEvent, startMs: number, endMs: number): boolean {
  return tsMs >= startMs && tsMs < endMs;
}

test('an interval of validity is right, and as long as it can be', () => {
  let checked = 0;
  for (let seed = 40_001; seed <= 40_120; seed++) {
    const { views, records, random } = generateScenario(seed);
    for (const view of views) {
      const events = eventsOf(view, records);
      if (events.length === 0) continue;
      const times = events.map((event) => event.tsMs);
      for (const asOfMs of interestingTimes(random, view, times, 8)) {
        const completeFromMs = random.chance(0.3) ? random.pick(times) : null;
        const { fromMs, untilMs } = oracleInterval(view, events, asOfMs, completeFromMs ?? undefined);
        const at = (ms: number): string => contributing(view, events, ms, completeFromMs);
        const label = `seed ${seed}, ${view.name}, as_of ${asOfMs}, [${fromMs}, ${untilMs})`;
        expect(fromMs <= asOfMs && asOfMs < untilMs, label).toBe(true);
        for (const ms of [fromMs, untilMs - 1])
          if (Number.isFinite(ms)) expect(at(ms) === at(asOfMs), label).toBe(true);
        for (const ms of [fromMs - 1, untilMs]) {
          if (Number.isFinite(ms)) expect(at(ms) === at(asOfMs), label).toBe(false);
        }
        checked += 1;
      }
    }
  }
  expect(checked).toBeGreaterThan(1_000);
});
