/** Engine against oracle over one generated scenario: every view, every entity, many `as_of`s. */
import { encodeEntityKey } from '../../src/event/entity-key.ts';
import type { LogRecord, ViewEvent, ViewOutcome } from '../../src/event/event.ts';
import type { EntityState } from '../../src/state/entity-state.ts';
import type { Evaluation } from '../../src/state/state.ts';
import { decode, type OracleEvent } from '../oracle/decode.ts';
import type { Scenario } from '../oracle/generate.ts';
import { type GeneratedRecord, interestingTimes } from '../oracle/generate-log.ts';
import { edgeMs, type ModelView, outputsOf, tailMs } from '../oracle/model.ts';
import { oracleEvaluate, oracleInterval, totalOrder } from '../oracle/oracle.ts';
import type { Random } from '../oracle/random.ts';
import { differences, fingerprintOf } from './compare.ts';
import { decodeAll, type Engine, enginesOf, evaluateAt, foldAll } from './engine.ts';
import { createTally, type Tally } from './tally.ts';

const AS_OFS_PER_ENTITY = 10;

export function toLogRecord(record: GeneratedRecord): LogRecord {
  const { partition, offset, appendedMs: timestampMs, text } = record;
  return { partition, offset, timestampMs, key: null, value: Buffer.from(text, 'utf8') };
}

/** One entity's events as both sides have them, in the order of arrival. */
export interface EntityCase {
  readonly engine: Engine;
  readonly view: ModelView;
  readonly entity: string;
  readonly events: readonly ViewEvent[];
  readonly truth: readonly OracleEvent[];
}

/** Every entity of every view, once both sides agree on what each record is. */
export function entityCases(scenario: Scenario, tally: Tally): EntityCase[] {
  const engines = enginesOf(scenario.text);
  const outcomes = decodeAll(engines, scenario.records.map(toLogRecord));
  return scenario.views.flatMap((view, index) => {
    const byEntity = new Map<string, { events: ViewEvent[]; truth: OracleEvent[] }>();
    for (const [at, record] of scenario.records.entries()) {
      const outcome = (outcomes[index] as ViewOutcome[])[at] as ViewOutcome;
      const decoded = decode(view, record);
      tally.record(outcome.kind);
      if (outcome.kind !== decoded.kind) {
        throw new Error(`seed ${scenario.seed}, ${view.name}: ${outcome.kind}, not ${decoded.kind}: ${record.text}`);
      }
      if (outcome.kind !== 'event' || decoded.kind !== 'event') continue;
      const { entityKey } = outcome.event;
      if (entityKey !== encodeEntityKey(decoded.event.keys)) throw new Error(`entity ${entityKey}: ${record.text}`);
      const entity = byEntity.get(entityKey) ?? { events: [], truth: [] };
      byEntity.set(entityKey, entity);
      entity.events.push(outcome.event);
      entity.truth.push(decoded.event);
    }
    const engine = engines[index] as Engine;
    return [...byEntity].map(([entity, both]) => ({ engine, view, entity, ...both }));
  });
}

/** Throws with all that is needed to reproduce where they disagree. */
export function checkAgreement(scenario: Scenario, tally: Tally): void {
  for (const entityCase of entityCases(scenario, tally)) {
    const { counted, state } = foldCase(entityCase, scenario.random, tally);
    const asOfs = asOfsFor(entityCase, state, scenario.random);
    // The first is asked again last: answering changes nothing.
    for (const asOfMs of [...asOfs, asOfs[0] as number]) {
      const completeFromMs = scenario.random.chance(0.2) ? scenario.random.pick(asOfs) - 60_000 : null;
      const found = judge(entityCase, counted, state, { asOfMs, completeFromMs }, tally);
      const unknown = judge(entityCase, [], null, { asOfMs, completeFromMs }, createTally());
      found.push(...unknown.map((fault) => `an entity never seen: ${fault}`));
      if (found.length > 0) throw new Error(describe(scenario, entityCase, asOfMs, found));
    }
  }
}

/** Folds the events, now and then restarting; `counted` are those the engine must count, by `event_id`, in total order. */
export function foldCase(
  { engine, events, truth }: EntityCase,
  random: Random,
  tally: Tally,
): { readonly state: EntityState; readonly counted: readonly OracleEvent[] } {
  const restarts = random.pick([0, 0.1, 1]);
  const known: ViewEvent[] = [];
  const expectDuplicate: boolean[] = [];
  let sealedUntilMs = Number.NEGATIVE_INFINITY;
  let oldestTiles: readonly number[] = [];
  const { state, outcomes } = foldAll(
    engine,
    events,
    () => (random.chance(restarts) ? random.pick(['write', 'reload']) : 'go on'),
    (before, event) => {
      if (before.sealedUntilMs > sealedUntilMs) tally.fold('sealed');
      sealedUntilMs = before.sealedUntilMs;
      const oldest = before.tiles.map((tiles) => tiles[0]?.startMs ?? Number.NEGATIVE_INFINITY);
      if (oldest.some((startMs, level) => isDropped(oldestTiles[level], startMs))) tally.fold('tiles_dropped');
      oldestTiles = oldest;
      const isHeld = known.some(({ eventId, tsMs }) => eventId === event.eventId && tsMs >= sealedUntilMs);
      const isDuplicate = event.eventId !== null && isHeld;
      expectDuplicate.push(isDuplicate);
      if (!isDuplicate) known.push(event);
    },
  );
  for (const [index, outcome] of outcomes.entries()) {
    tally.fold(outcome);
    if ((outcome === 'duplicate') !== expectDuplicate[index]) throw new Error(`event ${index} was ${outcome}`);
  }
  return { state, counted: truth.filter((_, index) => !expectDuplicate[index]).toSorted(totalOrder) };
}

/** Whether a level's oldest tile is gone: it had one, and now begins later. */
function isDropped(oldestBeforeMs: number | undefined, oldestMs: number): boolean {
  return oldestBeforeMs !== undefined && Number.isFinite(oldestBeforeMs) && oldestMs > oldestBeforeMs;
}

function asOfsFor({ view, events }: EntityCase, state: EntityState, random: Random): number[] {
  const times = events.map((event) => event.tsMs);
  const { sealedUntilMs } = state;
  const sealed = Number.isFinite(sealedUntilMs) ? [sealedUntilMs, sealedUntilMs - 1] : [];
  // Most instants around old events are out of history: a few of them are enough.
  const drawn = interestingTimes(random, view, times, 3 * AS_OFS_PER_ENTITY);
  const exact = drawn.filter((asOfMs) => asOfMs >= sealedUntilMs);
  return [...sealed, ...exact.slice(0, AS_OFS_PER_ENTITY), ...drawn.slice(0, 2)];
}

/** When something is asked, and since when history is known to be complete (null: always). */
interface Question {
  readonly asOfMs: number;
  readonly completeFromMs: number | null;
}

/** What is wrong with the answer to a question, if anything. */
export function judge(
  { engine, view }: EntityCase,
  counted: readonly OracleEvent[],
  state: EntityState | null,
  { asOfMs, completeFromMs }: Question,
  tally: Tally,
): string[] {
  const actual = evaluateAt(engine, state, asOfMs, completeFromMs);
  const sealedUntilMs = state?.sealedUntilMs ?? Number.NEGATIVE_INFINITY;
  if (actual.statuses.includes('OUT_OF_HISTORY')) {
    tally.evaluation('OUT_OF_HISTORY');
    const all = actual.statuses.every((status) => status === 'OUT_OF_HISTORY');
    if (asOfMs < sealedUntilMs && all) return [];
    return [`OUT_OF_HISTORY at ${asOfMs}, sealed until ${sealedUntilMs}`];
  }
  const expected = oracleEvaluate(view, counted, asOfMs, completeFromMs ?? Number.NEGATIVE_INFINITY);
  for (const status of new Set(expected.map((result) => result.status))) tally.evaluation(status);
  if (hasEventOnEdge(view, counted, asOfMs)) tally.evaluation('edge');
  tally.evaluation('all');
  const truth = oracleInterval(view, counted, asOfMs, completeFromMs ?? Number.NEGATIVE_INFINITY);
  const valid = { ...truth, fromMs: Math.max(truth.fromMs, sealedUntilMs) };
  const again = [actual.fromMs, actual.untilMs - 1].filter(Number.isFinite).map((ms) => {
    return { ms, bits: fingerprintOf(evaluateAt(engine, state, ms, completeFromMs)) };
  });
  const changed = again.filter(({ bits }) => bits !== fingerprintOf(actual));
  return [
    ...differences(expected, actual),
    ...intervalFaults(valid, actual),
    ...changed.map(({ ms, bits }) => `valid at ${ms}, where it is ${bits}`),
  ];
}

function hasEventOnEdge(view: ModelView, counted: readonly OracleEvent[], asOfMs: number): boolean {
  const edges = new Set(outputsOf(view).flatMap(({ span }) => [tailMs(span, asOfMs), edgeMs(span, asOfMs)]));
  return counted.some(({ tsMs }) => edges.has(tsMs) || edges.has(tsMs + 1));
}

function intervalFaults(expected: { fromMs: number; untilMs: number }, actual: Evaluation): string[] {
  const found: string[] = [];
  if (actual.fromMs !== expected.fromMs) found.push(`valid from ${actual.fromMs}, not ${expected.fromMs}`);
  if (actual.untilMs !== expected.untilMs) found.push(`valid until ${actual.untilMs}, not ${expected.untilMs}`);
  return found;
}

function describe(scenario: Scenario, entityCase: EntityCase, asOfMs: number, found: readonly string[]): string {
  const { view, entity, events } = entityCase;
  const log = events.map(({ tsMs, partition, offset, appendedMs }) => `${tsMs}@${partition}/${offset}+${appendedMs}`);
  const name = `seed ${scenario.seed}, ${view.name}, entity ${entity}, as_of ${asOfMs}`;
  return `${name}:\n${found.join('\n')}\n${scenario.text}\n${log.join(' ')}`;
}
