/**
 * The same events, folded in other orders, cut into other batches, restarted elsewhere and sealed at other points, give
 * the same bits wherever the answer is not that `as_of` is out of history.
 */
import type { ViewEvent } from '../../src/event/event.ts';
import type { EntityState } from '../../src/state/entity-state.ts';
import { generateScenario, type Scenario } from '../oracle/generate.ts';
import { interestingTimes } from '../oracle/generate-log.ts';
import type { ModelView } from '../oracle/model.ts';
import { printDefinitions } from '../oracle/print.ts';
import type { Random } from '../oracle/random.ts';
import { type EntityCase, entityCases } from './agreement.ts';
import { fingerprintOf } from './compare.ts';
import { type Engine, enginesOf, evaluateAt, foldAll } from './engine.ts';
import { createTally } from './tally.ts';

type Step = 'go on' | 'write' | 'reload';

/** One way to get from events to a state. */
interface Way {
  readonly name: string;
  readonly engine: Engine;
  readonly state: EntityState;
}

const AS_OFS = 12;

function seldomSealing(view: ModelView): ModelView {
  return { ...view, head_max: 1_000, head_limit: 1_000 };
}

function alwaysSealing(view: ModelView): ModelView {
  return { ...view, head_max: 1, head_limit: 1, history: '0ms' };
}

/** Engines of the same views under other sealing settings. */
function resealed(scenario: Scenario, change: (view: ModelView) => ModelView): Engine[] {
  return enginesOf(printDefinitions(scenario.source, scenario.views.map(change)));
}

function foldBy(name: string, engine: Engine, events: readonly ViewEvent[], step: (index: number) => Step): Way {
  return { name, engine, state: foldAll(engine, events, step).state };
}

/** What differs at any of the times; the first way is the one the others are held against. */
function disagreements(ways: readonly Way[], times: readonly number[]): string[] {
  return times.flatMap((asOfMs) => {
    const answers = ways.map((way) => ({ way, answer: evaluateAt(way.engine, way.state, asOfMs) }));
    const exact = answers.filter(({ answer }) => !answer.statuses.includes('OUT_OF_HISTORY'));
    const [reference] = exact;
    if (reference === undefined) return [];
    const bits = fingerprintOf(reference.answer);
    return exact
      .filter(({ answer }) => fingerprintOf(answer) !== bits || answer.untilMs !== reference.answer.untilMs)
      .map(({ way, answer }) => {
        const [one, other] = [reference.answer.untilMs, answer.untilMs];
        return `at ${asOfMs} ${reference.way.name} gives ${bits} until ${one}, ${way.name} ${fingerprintOf(answer)} until ${other}`;
      });
  });
}

function someTimes({ view, events }: EntityCase, random: Random): number[] {
  const times = events.map((event) => event.tsMs);
  return [...interestingTimes(random, view, times, AS_OFS), Math.max(...times) + 1];
}

/** Duplicates depend on arrival by their definition, so sources with an `event_id` are left out. */
function scenarioWithoutIds(seed: number): Scenario | null {
  const scenario = generateScenario(seed);
  return scenario.source.event_id === undefined ? scenario : null;
}

/** Random orders, batches, restarts and seal points; answers how many entities it looked at. */
export function checkOrders(seed: number): number {
  const scenario = scenarioWithoutIds(seed);
  if (scenario === null) return 0;
  const { random } = scenario;
  const seldom = resealed(scenario, seldomSealing);
  const always = resealed(scenario, alwaysSealing);
  const cases = entityCases(scenario, createTally());
  for (const entityCase of cases) {
    const { engine, events } = entityCase;
    const at = scenario.views.indexOf(entityCase.view);
    const someSteps = (): Step => random.pick(['go on', 'go on', 'write', 'reload']);
    const byTime = events.toSorted((a, b) => a.tsMs - b.tsMs);
    const ways = [
      foldBy('never sealed', seldom[at] as Engine, events, () => 'go on'),
      foldBy('as it came', engine, events, () => 'go on'),
      foldBy('restarted after each event', engine, events, () => 'reload'),
      foldBy('in other batches', engine, events, someSteps),
      foldBy('in order of time', engine, byTime, someSteps),
      foldBy('backwards', engine, byTime.toReversed(), someSteps),
      foldBy('shuffled', engine, random.shuffle(events), someSteps),
      foldBy('sealed at once', always[at] as Engine, events, someSteps),
      foldBy('shuffled, sealed at once', always[at] as Engine, random.shuffle(events), someSteps),
    ];
    const found = disagreements(ways, someTimes(entityCase, random));
    if (found.length > 0) throw new Error(describe(scenario, entityCase, found));
  }
  return cases.length;
}

/** Every permutation of a few events, each cut in every way; answers how many states it built. */
export function checkEveryOrder(seed: number, eventCount: number): number {
  const scenario = scenarioWithoutIds(seed);
  if (scenario === null) return 0;
  const always = resealed(scenario, alwaysSealing);
  let built = 0;
  for (const entityCase of entityCases(scenario, createTally()).slice(0, 1)) {
    const engine = always[scenario.views.indexOf(entityCase.view)] as Engine;
    const events = scenario.random.sample(entityCase.events, eventCount);
    const ways = permutations(events).flatMap((order) => everyCut(engine, order));
    built += ways.length;
    const found = disagreements(ways, someTimes({ ...entityCase, events }, scenario.random));
    if (found.length > 0) throw new Error(describe(scenario, { ...entityCase, events }, found));
  }
  return built;
}

function everyCut(engine: Engine, events: readonly ViewEvent[]): Way[] {
  const order = events.map((event) => event.offset).join(' ');
  return Array.from({ length: 2 ** events.length }, (_, cuts) => {
    const step = (index: number): Step => ((cuts >> index) & 1 ? 'reload' : 'go on');
    return foldBy(`${order} cut at ${cuts.toString(2)}`, engine, events, step);
  });
}

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item, index) => permutations(items.toSpliced(index, 1)).map((rest) => [item, ...rest]));
}

function describe(scenario: Scenario, { view, entity, events }: EntityCase, found: readonly string[]): string {
  const log = events.map(({ tsMs, partition, offset }) => `${tsMs}@${partition}/${offset}`).join(' ');
  const name = `seed ${scenario.seed}, ${view.name}, entity ${entity}`;
  return `${name}:\n${found.slice(0, 5).join('\n')}\n${scenario.text}\n${log}`;
}
