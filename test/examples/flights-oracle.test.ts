/** Vectors of the flights example, folded from its events, against what the raw tables give by another way. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { AGGREGATIONS } from '../../src/aggregate/table.ts';
import type { Definitions, SourceDefinition, ViewDefinition } from '../../src/definition/definition.ts';
import { findVersioned } from '../../src/definition/find.ts';
import { loadDefinitions } from '../../src/definition/load.ts';
import { compileSourceDecoder } from '../../src/event/decode.ts';
import { encodeEntityKey } from '../../src/event/entity-key.ts';
import { emptyState, type EntityState } from '../../src/state/entity-state.ts';
import { evaluate } from '../../src/state/evaluate.ts';
import { fold } from '../../src/state/fold.ts';
import { compilePlan, type ViewPlan } from '../../src/state/plan.ts';
import { assemble, expressionRow } from '../../src/vector/assemble.ts';
import { compileService } from '../../src/vector/service.ts';
import { type FlightRequest, openTruth, type Truth } from './flights-truth.ts';

const EXAMPLE = new URL('../../examples/flights/', import.meta.url);
const AS_OFS = ['2013-01-15T12:00:00.000Z', '2013-01-22T23:41:37.219Z', '2013-01-31T17:00:00.000Z'];
const REQUESTS: readonly FlightRequest[] = [
  { origin: 'JFK', dest: 'LAX', carrier: 'B6', tailnum: 'N583JB', scheduled_hour: 17, distance: 2_475 },
  // Another hub, and a short hop.
  { origin: 'LGA', dest: 'BOS', carrier: 'US', tailnum: 'N763US', scheduled_hour: 6, distance: 184 },
];

function readDefinitions(): Definitions {
  const folder = new URL('definitions/', EXAMPLE);
  const files = readdirSync(folder).map((path) => ({ path, text: readFileSync(new URL(path, folder), 'utf8') }));
  const result = loadDefinitions(files, AGGREGATIONS);
  if (!result.ok) throw new Error(JSON.stringify(result.problems, null, 2));
  return result.definitions;
}

/** By name of the feature; `sealed` counts the entities whose old events are in tiles. */
interface Served {
  readonly values: Truth;
  readonly statuses: Readonly<Record<string, string>>;
  readonly sealed: number;
}

interface FoldedView {
  readonly plan: ViewPlan;
  readonly states: Map<string, EntityState>;
}

/** Folds a source's events in the order of its file, as far as it is told to. */
function openSource(source: SourceDefinition, views: readonly ViewDefinition[]) {
  const decoder = compileSourceDecoder(source, views);
  const folded: FoldedView[] = views.map((view) => ({ plan: compilePlan(view, AGGREGATIONS), states: new Map() }));
  const text = gunzipSync(readFileSync(new URL(`data/${source.topic}.jsonl.gz`, EXAMPLE))).toString('utf8');
  const lines = text.trimEnd().split('\n');
  const timeOf = (line: string): number =>
    Date.parse((JSON.parse(line) as Record<string, string>)[source.eventTime] as string);
  let offset = 0;

  function foldLine(line: string): void {
    const record = { partition: 0, offset, timestampMs: timeOf(line), key: null, value: Buffer.from(line) };
    for (const [index, outcome] of decoder.decode(record).entries()) {
      if (outcome.kind === 'rejected') throw new Error(`${outcome.message}: ${line}`);
      if (outcome.kind !== 'event') continue;
      const { plan, states } = folded[index] as FoldedView;
      const state = states.get(outcome.event.entityKey) ?? emptyState(plan);
      states.set(outcome.event.entityKey, state);
      fold(plan, state, outcome.event);
    }
  }

  return {
    byView: views.map((view, index) => [view.id, folded[index] as FoldedView] as const),
    /** Everything that happened before `untilMs`. */
    foldUntil(untilMs: number): void {
      for (let line = lines[offset]; line !== undefined && timeOf(line) < untilMs; line = lines[++offset])
        foldLine(line);
    },
  };
}

/** Vectors at `as_of`s that never fall: by then, the log holds what happened before, and old events are in tiles. */
function openEngine(definitions: Definitions) {
  const service = findVersioned(definitions.services, 'departure_delay');
  if (service === null) throw new Error('the example has a service departure_delay');
  const plan = compileService(service, AGGREGATIONS);
  const sources = [...definitions.sources.values()].map((source) => {
    return openSource(
      source,
      [...definitions.views.values()].filter((view) => view.source.name === source.name),
    );
  });
  const folded = new Map(sources.flatMap((source) => source.byView));

  return (request: FlightRequest, asOfMs: number): Served => {
    for (const source of sources) source.foldUntil(asOfMs);
    const row = plan.parseRow(request);
    if (!row.ok) throw new Error(JSON.stringify(row.problems));
    const columns = expressionRow(plan, row.values, asOfMs);
    const states = service.appearances.map(({ view, keys }) => {
      return folded.get(view.id)?.states.get(encodeEntityKey(keys.map((key) => key.evaluate(columns)))) ?? null;
    });
    const outcomes = service.appearances.map(({ view }, index) => {
      const evaluation = evaluate((folded.get(view.id) as FoldedView).plan, states[index] ?? null, asOfMs, null);
      return { kind: 'evaluated' as const, evaluation, stale: false };
    });
    const vector = assemble(plan, plan.everything, row.values, asOfMs, outcomes);
    const named = <T>(list: readonly T[]) =>
      Object.fromEntries(plan.everything.names.map((name, i) => [name, list[i] as T]));
    return {
      values: named(vector.values) as Truth,
      statuses: named(vector.statuses),
      sealed: states.filter((state) => state !== null && Number.isFinite(state.sealedUntilMs)).length,
    };
  };
}

const truth = await openTruth(fileURLToPath(new URL('raw', EXAMPLE)));
const engine = openEngine(readDefinitions());
const vectors = AS_OFS.flatMap((asOf) => {
  const asOfMs = Date.parse(asOf);
  return REQUESTS.map((request) => ({ asOf, asOfMs, request, served: engine(request, asOfMs) }));
});

/** Quantiles are within 1 % of the value of their rank; all else is exact. */
function withoutEstimates(vector: Truth): Truth {
  return Object.fromEntries(Object.entries(vector).filter(([name]) => name !== 'delay_p90_24h'));
}

test.each(vectors.map((vector) => [vector.request.origin, vector.request.dest, vector.asOf, vector] as const))(
  'the vector of %s to %s at %s is what the tables give',
  async (_origin, _dest, _asOf, { request, asOfMs, served }) => {
    const expected = await truth(request, asOfMs);
    expect(withoutEstimates(served.values)).toStrictEqual(withoutEstimates(expected));
    const p90 = Number(expected['delay_p90_24h']);
    expect(Math.abs(Number(served.values['delay_p90_24h']) - p90)).toBeLessThanOrEqual(0.01 * Math.abs(p90));
  },
);

test('the vectors were read from tiles too', () => {
  for (const { served } of vectors) expect(served.sealed).toBeGreaterThanOrEqual(2);
});

test('the vector is rich: at least thirty features, all with a value but for arrivals in a quiet hour', () => {
  const { values } = (vectors.at(-2) as (typeof vectors)[number]).served;
  expect(Object.keys(values).length).toBeGreaterThanOrEqual(30);
  expect(Object.keys(values).filter((name) => values[name] === null)).toStrictEqual(['dest_arrival_delay_mean_3h']);
});

test('an aircraft that nobody has seen is not found, and says so for its own features only', () => {
  const [request] = REQUESTS;
  const { statuses } = engine(
    { ...(request as FlightRequest), tailnum: 'N000XX' },
    Date.parse(AS_OFS.at(-1) as string),
  );
  const missing = Object.keys(statuses).filter((name) => statuses[name] === 'NOT_FOUND');
  expect(missing.length).toBeGreaterThan(5);
  expect(missing.filter((name) => !name.startsWith('aircraft_'))).toStrictEqual([]);
});
