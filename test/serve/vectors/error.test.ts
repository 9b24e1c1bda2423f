import { expect, test } from 'vitest';
import { AGGREGATIONS } from '../../../src/aggregate/table.ts';
import { loadDefinitions } from '../../../src/definition/load.ts';
import { decodeState, takeChange } from '../../../src/state/codec.ts';
import { type ViewPlan, compilePlan } from '../../../src/state/plan.ts';
import type { StoredState } from '../../../src/state/state.ts';
import {
  DEFINITIONS,
  EVENTS,
  FAILING_KEY,
  HOUR_MS,
  NEWEST_MS,
  ROW,
  corrupted,
  replacingReads,
  startAirport,
} from './fixture.ts';

test('ERROR: a derived feature whose evaluation fails is withheld, its row is served', async () => {
  const definitions = DEFINITIONS.replace(
    '- { name: rough,',
    '- { name: huge, expr: "exp(scheduled_hour * 1000)" }\n      - { name: rough,',
  );
  const { vectors } = await startAirport({ definitions });
  const answer = await vectors('departure_delay', {
    entities: [ROW, { origin: 'JFK', scheduled_hour: 0 }],
    as_of: NEWEST_MS,
    features: ['huge', 'departures_24h'],
  });
  expect(answer.status).toBe(200);
  expect(answer.json.vectors).toEqual([{ values: [null, 2], issues: { huge: 'ERROR' } }, { values: [1, 2] }]);
});

test('ERROR: a key expression that fails withholds what is read with it', async () => {
  const { vectors } = await startAirport({ definitions: FAILING_KEY, events: { s: [{ k: 1, ts: NEWEST_MS }] } });
  const answer = await vectors('svc', { entities: [{ a: 1_000 }, { a: 0 }], as_of: NEWEST_MS + 1 });
  expect(answer.json.vectors).toEqual([{ values: [null], issues: { n: 'ERROR' } }, { values: [1] }]);
});

test('ERROR: a state that cannot be decoded is withheld and logged, and the process goes on', async () => {
  const damaging = replacingReads(async (source, read) => {
    const reads = await read();
    if (source !== 'weather') return reads;
    return reads.map(({ checkpoint, states }) => ({
      checkpoint,
      states: states.map((state) => (state === null ? null : corrupted(state))),
    }));
  });
  const { vectors, logged } = await startAirport({ wrapStore: damaging });
  const answer = await vectors('departure_delay', {
    entities: [ROW],
    as_of: NEWEST_MS + 1,
    features: ['departures_24h', 'wind_24h', 'rough'],
  });
  expect(answer.status).toBe(200);
  expect(answer.json.vectors).toEqual([{ values: [2, null, null], issues: { wind_24h: 'ERROR', rough: 'ERROR' } }]);
  expect(logged).toContainEqual(expect.objectContaining({ msg: 'corrupt state', view: 'winds@1' }));
});

/** The same state whose first tile has lost its last byte, with checksums that say nothing of it. */
function withTileCut(plan: ViewPlan, stored: StoredState): StoredState {
  const state = decodeState(plan, stored);
  const [tile] = state.tiles.flat();
  if (tile === undefined) throw new Error('the state has no tiles');
  tile.storedTo -= 1;
  state.stored.rewrite = true;
  state.stored.version = -1;
  const change = takeChange(plan, state);
  if (change === null) throw new Error('no change');
  return { version: change.toVersion, head: change.head.bytes, tiles: change.tiles };
}

test('ERROR: a tile that cannot be read is withheld when it is evaluated, and explained as no state', async () => {
  const definitions = DEFINITIONS.replace(
    'source: weather',
    'source: weather\n    head_max: 2\n    history: 0ms',
  ).replace('event_time: observed_at', 'event_time: observed_at\n    max_disorder: 0ms');
  const loaded = loadDefinitions([{ path: 'airport.yaml', text: definitions }], AGGREGATIONS);
  const view = loaded.ok ? loaded.definitions.views.get('winds@1') : undefined;
  if (view === undefined) throw new Error('no view of winds');
  const plan = compilePlan(view, AGGREGATIONS);
  const cutting = replacingReads(async (source, read) => {
    const reads = await read();
    if (source !== 'weather') return reads;
    return reads.map(({ checkpoint, states }) => ({
      checkpoint,
      states: states.map((state) => (state === null ? null : withTileCut(plan, state))),
    }));
  });
  const weather = [9, 8, 7, 6, 5, 4, 3, 2, 1].map((hours) => {
    return { origin: 'JFK', observed_at: NEWEST_MS - hours * HOUR_MS, wind: hours };
  });
  const { vectors, logged } = await startAirport({ definitions, events: { ...EVENTS, weather }, wrapStore: cutting });
  const answer = await vectors('departure_delay', {
    entities: [ROW],
    as_of: NEWEST_MS + 1,
    features: ['departures_24h', 'wind_24h'],
    include: ['explain'],
  });
  expect(answer.status).toBe(200);
  expect(answer.json.vectors).toMatchObject([{ values: [2, null], issues: { wind_24h: 'ERROR' } }]);
  expect(logged).toContainEqual(expect.objectContaining({ msg: 'corrupt state', view: 'winds@1' }));
});
