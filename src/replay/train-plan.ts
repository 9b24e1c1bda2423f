/**
 * What a training set is made of: the service's plan, the views it reads, and lanes, which are states that are folded once for
 * all views that share them. Everything that computes a value is what serving uses; only when a head is sealed is replay's
 * own, for that shows in no bit.
 */
import type { Aggregation } from '../aggregate/aggregation.ts';
import { assert } from '../core/assert.ts';
import type { Value } from '../core/value.ts';
import type { ServiceDefinition, SourceDefinition, ViewDefinition } from '../definition/definition.ts';
import { createKeyTexts } from '../event/entity-key.ts';
import type { CompiledExpression } from '../expression/expression.ts';
import { type ViewPlan, compilePlan } from '../state/plan.ts';
import { type Selection, type ServicePlan, compileService, select } from '../vector/service.ts';
import { type EvaluationCodec, compileEvaluationCodec } from './evaluation-codec.ts';

export interface Lane {
  /** Place among the plan's lanes, and in spilled rows. */
  readonly index: number;
  readonly source: SourceDefinition;
  /** As a shard is named by them: joined with `,`. */
  readonly entityKey: string;
  /** Decodes for all views that share the state. */
  readonly view: ViewDefinition;
  readonly viewIds: readonly string[];
  /** Folds as the live driver does; decides which events are duplicates. */
  readonly livePlan: ViewPlan;
  /** Folds events in the order in which labels come to know of them (fold-part.ts). */
  readonly plan: ViewPlan;
}

/** A view as the service reads it, by its index among the service's appearances. */
export interface TrainAppearance {
  readonly index: number;
  readonly lane: Lane;
  readonly view: ViewDefinition;
  readonly plan: ViewPlan;
  readonly keys: readonly CompiledExpression[];
  /** Of its entities, where they have one key. */
  readonly textOf: (key: Value) => string;
  readonly codec: EvaluationCodec;
}

/** What is folded, and what is evaluated of it. */
export interface ReplayPlan {
  readonly lanes: readonly Lane[];
  /** By the number that requests name. */
  readonly appearances: ReadonlyMap<number, TrainAppearance>;
  readonly sources: readonly SourceDefinition[];
}

/** Appearances by index; only those that the selection reads. */
export interface TrainPlan extends ReplayPlan {
  readonly service: ServicePlan;
  readonly selection: Selection;
}

/**
 * `features`: names of some of the service's, in the order wanted; null: all. They were checked. `lanes`: of other services
 * that are folded with this one; those that it needs besides are added.
 */
export function planTraining(
  definition: ServiceDefinition,
  aggregations: ReadonlyMap<string, Aggregation>,
  features: readonly string[] | null,
  lanes: Lane[] = [],
): TrainPlan {
  const service = compileService(definition, aggregations);
  const selection =
    features === null
      ? service.everything
      : select(
          service,
          features.map((name) => placeOf(service, name)),
        );
  const appearances = new Map<number, TrainAppearance>();
  for (const index of selection.appearances) {
    const appearance = definition.appearances[index];
    assert(appearance !== undefined, 'a selected appearance exists');
    const { view, keys } = appearance;
    const plan = compilePlan(view, aggregations);
    const lane = laneOf(lanes, view) ?? addLane(lanes, plan);
    (lane.viewIds as string[]).push(...(lane.viewIds.includes(view.id) ? [] : [view.id]));
    appearances.set(index, {
      index,
      lane,
      view,
      plan,
      keys,
      textOf: createKeyTexts(),
      codec: compileEvaluationCodec(view.features.map(({ type }) => type)),
    });
  }
  return { service, selection, lanes, appearances, sources: selection.sources };
}

function placeOf(service: ServicePlan, name: string): number {
  const place = service.places.get(name);
  assert(place !== undefined, `the service has a feature ${name}`);
  return place;
}

function laneOf(lanes: readonly Lane[], view: ViewDefinition): Lane | undefined {
  const entityKey = view.keyColumns.join(',');
  return lanes.find(
    (lane) =>
      lane.source.name === view.source.name &&
      lane.entityKey === entityKey &&
      lane.view.stateFingerprint === view.stateFingerprint,
  );
}

function addLane(lanes: Lane[], livePlan: ViewPlan): Lane {
  const { view } = livePlan;
  const { source } = view;
  const lane: Lane = {
    index: lanes.length,
    source,
    entityKey: view.keyColumns.join(','),
    view,
    viewIds: [],
    livePlan,
    plan: { ...livePlan, view: { ...view, historyMs: 0, headLimit: Infinity, source: { ...source, clock: 'wall' } } },
  };
  lanes.push(lane);
  return lane;
}

/** Lanes of a source, in their order. */
export function lanesOf({ lanes }: ReplayPlan, source: SourceDefinition): readonly Lane[] {
  return lanes.filter((lane) => lane.source.name === source.name);
}
