/**
 * A fragment that is kept says what a new one would, wherever it claims to hold: random definitions, logs and `as_of`s.
 */
import { expect, test } from 'vitest';
import { AGGREGATIONS } from '../../src/aggregate/table.ts';
import type { ServiceDefinition } from '../../src/definition/definition.ts';
import { evaluate } from '../../src/state/evaluate.ts';
import { type Fragment, type ViewFacts, holds, renderFragment } from '../../src/vector/fragment.ts';
import type { ViewPart } from '../../src/vector/row-plan.ts';
import { compileService } from '../../src/vector/service.ts';
import { generateScenario } from '../oracle/generate.ts';
import type { Random } from '../oracle/random.ts';
import { interestingTimes } from '../oracle/generate-log.ts';
import { type EntityCase, entityCases, foldCase } from './agreement.ts';
import { load } from './engine.ts';
import { createTally } from './tally.ts';

const FIRST = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
const SEEDS = 60;
const ALL = { status: true, eventTime: true };

test(`a kept fragment is what a new one would be (seeds from ${FIRST})`, () => {
  let held = 0;
  let heldElsewhere = 0;
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    const scenario = generateScenario(seed);
    const parts = partsOf(
      scenario.text,
      scenario.views.map(({ name }) => name),
    );
    for (const entityCase of entityCases(scenario, createTally())) {
      const { state } = foldCase(entityCase, scenario.random, createTally());
      const { plan } = entityCase.engine;
      const part = parts.get(plan.view.name) as ViewPart;
      const times = timesOf(entityCase, state.sealedUntilMs, scenario.random);
      let kept: Fragment | null = null;
      for (const asOfMs of Array.from({ length: 20 }, () => scenario.random.pick(times))) {
        const facts: ViewFacts = {
          stale: scenario.random.chance(0.2),
          completeFromMs: scenario.random.chance(0.2) ? scenario.random.pick(times) : null,
        };
        const evaluation = evaluate(plan, state, asOfMs, facts.completeFromMs);
        const fresh = renderFragment(part, evaluation, facts, ALL);
        expect(holds(fresh, asOfMs, facts, ALL), `seed ${seed}`).toBe(true);
        if (kept !== null && holds(kept, asOfMs, facts, ALL)) {
          held++;
          if (kept.fromMs !== fresh.fromMs || kept.untilMs !== fresh.untilMs) heldElsewhere++;
          expect(textsOf(kept), `seed ${seed}, ${plan.view.id} at ${asOfMs}`).toEqual(textsOf(fresh));
        } else kept = fresh;
      }
    }
  }
  expect(held).toBeGreaterThan(100);
  expect(heldElsewhere).toBe(0);
});

test('a fragment without metadata does not hold for who asks for it; one with it holds for who does not', () => {
  const nothing = { status: false, eventTime: false };
  const { text, views } = generateScenario(1);
  const part = partsOf(text, [views[0]?.name ?? ''])
    .values()
    .next().value as ViewPart;
  const facts = { stale: false, completeFromMs: null };
  const plan = part.pieces.flat();
  const nulls = plan.map(() => null);
  const evaluation = {
    values: nulls,
    statuses: plan.map(() => 'PRESENT' as const),
    eventTimesMs: nulls,
    fromMs: 5,
    untilMs: 7,
  };
  const bare = renderFragment(part, evaluation, facts, nothing);
  const full = renderFragment(part, evaluation, facts, ALL);
  expect([holds(bare, 5, facts, nothing), holds(bare, 5, facts, ALL), holds(full, 5, facts, nothing)]).toEqual([
    true,
    false,
    true,
  ]);
  expect([4, 5, 6, 7].map((asOfMs) => holds(full, asOfMs, facts, ALL))).toEqual([false, true, true, false]);
  expect(holds(full, 5, { ...facts, stale: true }, ALL)).toBe(false);
  expect(holds(full, 5, { ...facts, completeFromMs: 3 }, ALL)).toBe(false);
  expect(full.bytes).toBeGreaterThan(bare.bytes);
});

function textsOf({ values, issues, statuses, eventTimes, inputs, isAscii }: Fragment): object {
  return { values, issues, statuses, eventTimes, inputs, isAscii };
}

/** By name of the view: its part of a service that has all of it. */
function partsOf(text: string, views: readonly string[]): ReadonlyMap<string, ViewPart> {
  const services = views.map((view) => ({ name: `of_${view}`, features: [`${view}.*`] }));
  const definitions = load(JSON.stringify({ ...(JSON.parse(text) as object), services }));
  return new Map(
    [...definitions.services.values()].map((service: ServiceDefinition) => [
      service.name.slice('of_'.length),
      compileService(service, AGGREGATIONS).everything.rows.parts[0] as ViewPart,
    ]),
  );
}

/** Where something may change for the entity, and just before and after. */
function timesOf({ view, events }: EntityCase, sealedUntilMs: number, random: Random): readonly number[] {
  const sealed = Number.isFinite(sealedUntilMs) ? [sealedUntilMs - 1, sealedUntilMs] : [];
  const eventsMs = events.map(({ tsMs }) => tsMs);
  return [...sealed, ...interestingTimes(random, view, eventsMs, 20), ...eventsMs.map((ms) => ms + 1)];
}
