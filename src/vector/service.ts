/**
 * A service compiled for assembly, once at load: which views a choice of features needs, in which order derived
 * features are computed, how each value is rendered. Requests only look things up.
 */
import { assert } from '../core/assert.ts';
import type { Aggregation } from '../aggregate/aggregation.ts';
import type { ServiceDefinition, SourceDefinition } from '../definition/definition.ts';
import { type Renderer, compileRenderer } from './render.ts';
import { type RowParser, compileRowParser } from './request-row.ts';

/** One feature of the service, by its place in `definition.features`. */
export interface FeaturePlan {
  readonly name: string;
  /** Its place in expression rows. */
  readonly slot: number;
  readonly render: Renderer;
  /** The value is an event time until rendering subtracts it from `as_of` (`time_since_last`). */
  readonly relativeToAsOf: boolean;
  /** Features a derived one reads, by place; empty for features of views. */
  readonly inputs: readonly number[];
}

/** What it takes to answer for some of the features. */
export interface Selection {
  readonly names: readonly string[];
  /** Places of the features, in the order asked for. */
  readonly served: readonly number[];
  /** Places of the view features that are read, derived features' inputs included. */
  readonly read: readonly number[];
  /** Places of the derived features that are computed, each after those it reads. */
  readonly computed: readonly number[];
  /** Indexes of the appearances that are read, ascending. */
  readonly appearances: readonly number[];
  readonly sources: readonly SourceDefinition[];
  /** Whether which entities are read depends on `as_of`. */
  readonly keysUseAsOf: boolean;
}

export interface ServicePlan {
  readonly definition: ServiceDefinition;
  readonly features: readonly FeaturePlan[];
  /** Features by name. */
  readonly places: ReadonlyMap<string, number>;
  readonly parseRow: RowParser;
  readonly asOfSlot: number;
  readonly slotCount: number;
  readonly everything: Selection;
}

export function compileService(
  definition: ServiceDefinition,
  aggregations: ReadonlyMap<string, Aggregation>,
): ServicePlan {
  const places = new Map(definition.features.map(({ name }, place) => [name, place]));
  const features = definition.features.map((feature): FeaturePlan => {
    const derived = feature.kind === 'derived' ? definition.derived[feature.derived] : undefined;
    const columns = derived?.expression.columns ?? [];
    return {
      name: feature.name,
      slot: slotOf(definition, feature.name),
      render: compileRenderer(feature.type),
      relativeToAsOf: feature.kind === 'view' && isRelative(definition, feature, aggregations),
      inputs: columns.flatMap((column) => places.get(column) ?? []),
    };
  });
  const plan = {
    definition,
    features,
    places,
    parseRow: compileRowParser(definition),
    asOfSlot: slotOf(definition, 'as_of'),
    slotCount: definition.expressionSlots.size,
  };
  return { ...plan, everything: select(plan, [...features.keys()]) };
}

function slotOf(definition: ServiceDefinition, name: string): number {
  const slot = definition.expressionSlots.get(name);
  assert(slot !== undefined, `${definition.id} has a slot for ${name}`);
  return slot;
}

function isRelative(
  definition: ServiceDefinition,
  feature: { readonly appearance: number; readonly feature: number },
  aggregations: ReadonlyMap<string, Aggregation>,
): boolean {
  const name = definition.appearances[feature.appearance]?.view.features[feature.feature]?.aggregation ?? '';
  const aggregation = aggregations.get(name);
  assert(aggregation !== undefined, `the aggregation ${name} is in the table`);
  return aggregation.relativeToAsOf;
}

/** `served` are places of features; the selection reads what they need and nothing else. */
export function select(
  plan: { readonly definition: ServiceDefinition; readonly features: readonly FeaturePlan[] },
  served: readonly number[],
): Selection {
  const { definition, features } = plan;
  const needed = new Set<number>();
  const pending = [...served];
  for (let place = pending.pop(); place !== undefined; place = pending.pop()) {
    if (needed.has(place)) continue;
    needed.add(place);
    pending.push(...(features[place]?.inputs ?? []));
  }
  const read: number[] = [];
  const computed: { readonly place: number; readonly order: number }[] = [];
  const appearances = new Set<number>();
  for (const place of [...needed].toSorted((a, b) => a - b)) {
    const feature = definition.features[place];
    assert(feature !== undefined, 'a selected feature exists');
    if (feature.kind === 'derived') computed.push({ place, order: feature.derived });
    else {
      read.push(place);
      appearances.add(feature.appearance);
    }
  }
  const chosen = [...appearances].toSorted((a, b) => a - b);
  const views = chosen.flatMap((index) => definition.appearances[index] ?? []);
  return {
    names: served.map((place) => features[place]?.name ?? ''),
    served,
    read,
    computed: computed.toSorted((a, b) => a.order - b.order).map(({ place }) => place),
    appearances: chosen,
    sources: [...new Map(views.map(({ view }) => [view.source.name, view.source])).values()],
    keysUseAsOf: views.some(({ keys }) => keys.some((key) => key.columns.includes('as_of'))),
  };
}
