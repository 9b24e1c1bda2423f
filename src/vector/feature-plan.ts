/** One feature of a service, compiled once at load: where its value is, and how it is written. */
import type { Aggregation } from '../aggregate/aggregation.ts';
import { assert } from '../core/assert.ts';
import type { Value, ValueType } from '../core/value.ts';
import type { ServiceDefinition, ServiceFeature } from '../definition/definition.ts';
import type { Evaluator } from '../expression/expression.ts';
import { type Renderer, compileRenderer } from './render.ts';
import { type Writer, isAsciiType } from './text.ts';

interface CommonPlan {
  readonly name: string;
  /** `"delay_mean_1h":` */
  readonly label: string;
  /** In the service's features. */
  readonly place: number;
  /** In expression rows. */
  readonly slot: number;
  readonly render: Renderer;
  /** The same as JSON text. */
  readonly write: Writer;
  /** Whether that text is ASCII whatever the value. */
  readonly isAscii: boolean;
}

export interface ViewFeaturePlan extends CommonPlan {
  readonly kind: 'view';
  /** Index into the service's appearances. */
  readonly appearance: number;
  /** Index into the view's features. */
  readonly feature: number;
  /** The value is an event time until rendering subtracts it from `as_of` (`time_since_last`). */
  readonly relativeToAsOf: boolean;
  readonly defaultValue: Value;
}

export interface DerivedFeaturePlan extends CommonPlan {
  readonly kind: 'derived';
  /** Index into the service's derived features, each of which reads earlier ones only. */
  readonly derived: number;
  readonly evaluate: Evaluator;
  /** Places of the features it reads. */
  readonly inputs: readonly number[];
}

export type FeaturePlan = ViewFeaturePlan | DerivedFeaturePlan;

export function compileFeature(
  definition: ServiceDefinition,
  place: number,
  places: ReadonlyMap<string, number>,
  aggregations: ReadonlyMap<string, Aggregation>,
  writerOf: (type: ValueType) => Writer,
): FeaturePlan {
  const feature = definition.features[place];
  assert(feature !== undefined, `${definition.id} has a feature at ${place}`);
  const common: CommonPlan = {
    name: feature.name,
    label: `${JSON.stringify(feature.name)}:`,
    place,
    slot: slotOf(definition, feature.name),
    render: compileRenderer(feature.type),
    write: writerOf(feature.type),
    isAscii: isAsciiType(feature.type),
  };
  if (feature.kind === 'view') return { ...common, ...viewPart(definition, feature, aggregations) };
  const expression = definition.derived[feature.derived]?.expression;
  assert(expression !== undefined, `${feature.name} is a derived feature of ${definition.id}`);
  const inputs = expression.columns.flatMap((column) => places.get(column) ?? []);
  return { ...common, kind: 'derived', derived: feature.derived, evaluate: expression.evaluate, inputs };
}

function viewPart(
  definition: ServiceDefinition,
  { appearance, feature }: ServiceFeature & { readonly kind: 'view' },
  aggregations: ReadonlyMap<string, Aggregation>,
): Omit<ViewFeaturePlan, keyof CommonPlan> {
  const ofView = definition.appearances[appearance]?.view.features[feature];
  assert(ofView !== undefined, `${definition.id} names features of its views`);
  const aggregation = aggregations.get(ofView.aggregation);
  assert(aggregation !== undefined, `the aggregation ${ofView.aggregation} is in the table`);
  const { relativeToAsOf } = aggregation;
  return { kind: 'view', appearance, feature, relativeToAsOf, defaultValue: ofView.defaultValue };
}

export function slotOf(definition: ServiceDefinition, name: string): number {
  const slot = definition.expressionSlots.get(name);
  assert(slot !== undefined, `${definition.id} has a slot for ${name}`);
  return slot;
}
