/** Upsert views against an oracle that sorts all records and takes the last: in any order, batch, restart and seal. */
import { expect, test } from 'vitest';
import type { LogRecord, ViewEvent } from '../../src/event/event.ts';
import type { EntityState } from '../../src/state/entity-state.ts';
import { explain } from '../../src/state/explain.ts';
import { createRandom, type Random } from '../oracle/random.ts';
import { type UpsertRecord, type UpsertScenario, generateUpsert } from '../oracle/upsert.ts';
import { fingerprintOf, show } from './compare.ts';
import { decodeAll, type Engine, enginesOf, evaluateAt, foldAll } from './engine.ts';

const SEEDS = 1_500;
const BLOCK = 150;
const tally = new Map<string, number>();
const note = (what: string): void => void tally.set(what, (tally.get(what) ?? 0) + 1);

function recordOf({ row, k, ...place }: UpsertRecord): LogRecord {
  return { ...place, key: Buffer.from(k), value: row === null ? null : Buffer.from(JSON.stringify(row)) };
}

/** The same view where every event is sealed as soon as may be. */
const sealedAtOnce = (text: string): string =>
  text.replace(/"head_max": \d+/, '"head_max": 1').replace(/"head_limit": \d+/, '"head_limit": 1');

interface Way {
  readonly name: string;
  readonly engine: Engine;
  readonly state: EntityState;
}

function waysOf(engine: Engine, always: Engine, events: readonly ViewEvent[], random: Random): readonly Way[] {
  const steps = () => random.pick(['go on', 'go on', 'write', 'reload'] as const);
  const way = (name: string, by: Engine, some: readonly ViewEvent[]): Way => {
    const { state, outcomes } = foldAll(by, some, steps);
    for (const outcome of outcomes) note(outcome);
    if (state.sealedNewestMs > Number.NEGATIVE_INFINITY) note('sealed');
    return { name, engine: by, state };
  };
  return [
    way('as it came', engine, events),
    way('backwards', engine, events.toReversed()),
    way('shuffled', engine, random.shuffle(events)),
    way('sealed at once', always, events),
    way('shuffled, sealed at once', always, random.shuffle(events)),
  ];
}

function checkWay(scenario: UpsertScenario, entity: string, { name, engine, state }: Way, asOfMs: number): string[] {
  const { random, seed } = scenario;
  const completeFromMs = random.chance(0.15) ? asOfMs - random.pick([0, 1_000, 3_600_000, 9_000_000]) : null;
  const answer = evaluateAt(engine, state, asOfMs, completeFromMs);
  if (asOfMs < state.sealedUntilMs) {
    note('OUT_OF_HISTORY');
    return answer.statuses.every((status) => status === 'OUT_OF_HISTORY') ? [] : [`${seed}: answered at ${asOfMs}`];
  }
  const expected = scenario.expect(entity, asOfMs, completeFromMs);
  for (const { status } of expected) note(status);
  const actual = expected.map((_none, index) => ({
    status: answer.statuses[index],
    value: answer.values[index],
    eventTimeMs: answer.eventTimesMs[index],
  }));
  const at = `seed ${seed}, ${entity} ${name}, at ${asOfMs}`;
  if (show(actual) !== show(expected)) return [`${at}: ${show(actual)}, not ${show(expected)}`];
  const last = Number.isFinite(answer.untilMs) ? answer.untilMs - 1 : asOfMs + 1;
  const first = Number.isFinite(answer.fromMs) ? answer.fromMs : asOfMs - 1;
  return [first, random.integer(first, last), last]
    .filter((ms) => fingerprintOf(evaluateAt(engine, state, ms, completeFromMs)) !== fingerprintOf(answer))
    .map((ms) => `${at}: not the same at ${ms}, within [${answer.fromMs}, ${answer.untilMs})`);
}

function checkScenario(seed: number): string[] {
  const scenario = generateUpsert(seed, createRandom(seed));
  const [engine, always] = [scenario.text, sealedAtOnce(scenario.text)].map((text) => enginesOf(text)[0] as Engine);
  if (engine === undefined || always === undefined) throw new Error('a view');
  const outcomes = decodeAll([engine], scenario.records.map(recordOf))[0] ?? [];
  return scenario.entities.flatMap((entity) => {
    const events = scenario.records.flatMap(({ k }, index) => {
      const outcome = outcomes[index];
      if (outcome?.kind !== 'event') throw new Error(`seed ${seed}: ${JSON.stringify(outcome)}`);
      return k === entity ? [outcome.event] : [];
    });
    return waysOf(engine, always, events, scenario.random).flatMap((way) =>
      scenario.times(entity).flatMap((asOfMs) => checkWay(scenario, entity, way, asOfMs)),
    );
  });
}

const blocks = Array.from({ length: SEEDS / BLOCK }, (_none, index) => index * BLOCK + 1);

test.each(blocks)('the newest row wins whole, and a deletion is one, seeds from %i', (first) => {
  for (let seed = first; seed < first + BLOCK; seed++) expect(checkScenario(seed).slice(0, 3)).toEqual([]);
});

test.each(['PRESENT', 'NULL_VALUE', 'NOT_FOUND', 'OUTSIDE_MAX_AGE', 'INCOMPLETE', 'OUT_OF_HISTORY'])(
  'the runs above led to %s',
  (status) => expect(tally.get(status) ?? 0).toBeGreaterThan(5_000),
);

test.each(['sealed', 'late', 'too_late'])('the runs above led to events that were %s', (what) => {
  expect(tally.get(what) ?? 0).toBeGreaterThan(200);
});

test('one seed gives one scenario', () => {
  const [one, other] = [7, 7].map((seed) => generateUpsert(seed, createRandom(seed)));
  expect({ text: one?.text, records: one?.records }).toEqual({ text: other?.text, records: other?.records });
});

test('explain tells of the events a value may come from, the deletions among them', () => {
  const record = (offset: number, row: UpsertRecord['row']): UpsertRecord => ({
    partition: 0,
    offset,
    timestampMs: 1_000 + offset,
    k: 'a',
    row,
  });
  const row = { at: 1_000, k: 'a', x: 1, c: null, n: null };
  const [engine] = enginesOf(`
sources: [{ name: s, mode: upsert, key: [k], event_time: at, fields: { at: timestamp, k: string, x: "double?" } }]
entities: [{ name: e, keys: { k: string } }]
views: [{ name: v, entity: e, source: s, features: [{ name: x, agg: last, of: x, windows: [1m] }] }]
`);
  if (engine === undefined) throw new Error('a view');
  const outcomes = decodeAll([engine], [record(0, row), record(1, null)].map(recordOf))[0] ?? [];
  const { state } = foldAll(
    engine,
    outcomes.flatMap((outcome) => (outcome.kind === 'event' ? [outcome.event] : [])),
  );
  expect(explain(engine.plan, state, 0, 2_000).events).toEqual([
    { tsMs: 1_001, partition: 0, offset: 1 },
    { tsMs: 1_000, partition: 0, offset: 0 },
  ]);
});
