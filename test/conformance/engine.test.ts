/** The conformance cases through the engine alone: decode, fold, store and load again, evaluate. */
import { expect, test } from 'vitest';
import { AGGREGATIONS } from '../../src/aggregate/table.ts';
import type { Value } from '../../src/core/value.ts';
import type { Definitions, ServiceFeature, ViewDefinition } from '../../src/definition/definition.ts';
import { loadDefinitions } from '../../src/definition/load.ts';
import { compileSourceDecoder } from '../../src/event/decode.ts';
import { encodeEntityKey } from '../../src/event/entity-key.ts';
import { applyChange, decodeState, takeChange } from '../../src/state/codec.ts';
import { type EntityState, emptyState } from '../../src/state/entity-state.ts';
import { evaluate } from '../../src/state/evaluate.ts';
import { fold } from '../../src/state/fold.ts';
import { compilePlan } from '../../src/state/plan.ts';
import { CASES, type ConformanceCase, withoutNegativeZero } from './cases.ts';

/** After every event time of the cases. */
const APPENDED_MS = 4_000_000_000_000;

function compiled(text: string): Definitions {
  const result = loadDefinitions([{ path: 'case.yaml', text }], AGGREGATIONS);
  if (!result.ok) throw new Error(JSON.stringify(result.problems, null, 2));
  return result.definitions;
}

/** Every view's states by entity key, stored and loaded once in between. */
function statesOf(
  definitions: Definitions,
  { source, records }: ConformanceCase,
): Map<ViewDefinition, Map<string, EntityState>> {
  const views = [...definitions.views.values()];
  const plans = views.map((view) => compilePlan(view, AGGREGATIONS));
  const decoder = compileSourceDecoder(
    [...definitions.sources.values()].find((each) => each.name === source) as never,
    views,
  );
  const states = new Map(views.map((view) => [view, new Map<string, EntityState>()]));
  for (const [offset, record] of records.entries()) {
    const value = Buffer.from(JSON.stringify(record));
    const outcomes = decoder.decode({ partition: 0, offset, timestampMs: APPENDED_MS, key: null, value });
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.kind !== 'event') continue;
      const plan = plans[index] as (typeof plans)[number];
      const entities = states.get(plan.view) as Map<string, EntityState>;
      const state = entities.get(outcome.event.entityKey) ?? emptyState(plan);
      entities.set(outcome.event.entityKey, state);
      fold(plan, state, outcome.event);
    }
  }
  for (const plan of plans) {
    const entities = states.get(plan.view) as Map<string, EntityState>;
    for (const [key, state] of entities) {
      const change = takeChange(plan, state);
      if (change !== null) entities.set(key, decodeState(plan, applyChange(null, change)));
    }
  }
  return states;
}

function rendered(value: Value): unknown {
  return JSON.parse(
    JSON.stringify(value, (_key, each: unknown) => (typeof each === 'bigint' ? each.toString() : each)) ?? 'null',
  );
}

test.for(CASES)('conformance case $seed gives the expected bits', (conformance) => {
  const definitions = compiled(conformance.definitions);
  const states = statesOf(definitions, conformance);
  const service = [...definitions.services.values()].find((each) => each.name === conformance.service);
  for (const query of conformance.queries) {
    const answers = new Map<string, { value: unknown; status: string }>();
    for (const feature of service?.features ?? [])
      answers.set(feature.name, answerOf(feature, query.entity, query.as_of));
    const got = query.features.map((name) => answers.get(name));
    expect(
      { values: got.map((each) => each?.value), status: got.map((each) => each?.status) },
      `as_of ${query.as_of}`,
    ).toEqual({
      values: withoutNegativeZero(query.values),
      status: query.status,
    });
  }

  function answerOf(feature: ServiceFeature, entity: Readonly<Record<string, unknown>>, asOf: number) {
    if (feature.kind !== 'view') throw new Error('the cases have no derived features');
    const view = service?.appearances[feature.appearance]?.view as ViewDefinition;
    const key = encodeEntityKey(view.entity.keys.map(({ name }) => entity[name] as Value));
    const plan = compilePlan(view, AGGREGATIONS);
    const { values, statuses } = evaluate(plan, states.get(view)?.get(key) ?? null, asOf, null);
    const value = values[feature.feature] as Value;
    const isAge =
      view.features[feature.feature]?.aggregation === 'time_since_last' && statuses[feature.feature] === 'PRESENT';
    return { value: isAge ? asOf - (value as number) : rendered(value), status: statuses[feature.feature] as string };
  }
});
