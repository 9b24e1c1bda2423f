/**
 * A service compiled for assembly, once at load: which views a choice of features needs, in which order derived
 * features are computed, how each value is rendered. Requests only look things up.
 */
import { assert } from '../core/assert.ts';
import type { ValueType } from '../core/value.ts';
import type { Aggregation } from '../aggregate/aggregation.ts';
import type { ServiceDefinition, SourceDefinition } from '../definition/definition.ts';
import { type Workspace, createWorkspace } from './derived.ts';
import { type DerivedFeaturePlan, type FeaturePlan, compileFeature, slotOf } from './feature-plan.ts';
import { type RowParser, compileRowParser } from './request-row.ts';
import { type RowPlan, compileRow } from './row-plan.ts';
import { type Writer, compileWriter } from './text.ts';

/** What it takes to answer for some of the features. */
export interface Selection {
  readonly names: readonly string[];
  /** Places of the features, in the order asked for. */
  readonly served: readonly number[];
  /** Places of the view features that are read, derived features' inputs included. */
  readonly read: readonly number[];
  /** The derived features that are computed, each after those it reads. */
  readonly computed: readonly DerivedFeaturePlan[];
  /** Indexes of the appearances that are read, ascending. */
  readonly appearances: readonly number[];
  readonly sources: readonly SourceDefinition[];
  /** Whether which entities are read depends on `as_of`. */
  readonly keysUseAsOf: boolean;
  /** The answer up to the value of `as_of`, and from there to where the layouts part. */
  readonly headText: string;
  readonly namesText: string;
  /** For each layout, how rows are written. */
  readonly rows: RowPlan;
  readonly columns: RowPlan;
}

export interface ServicePlan {
  readonly definition: ServiceDefinition;
  readonly features: readonly FeaturePlan[];
  /** Features by name. */
  readonly places: ReadonlyMap<string, number>;
  readonly parseRow: RowParser;
  /** Of its request columns. */
  readonly columnNames: ReadonlySet<string>;
  /** Request columns as text, in their order. */
  readonly columnWriters: readonly { readonly label: string; readonly write: Writer }[];
  readonly asOfSlot: number;
  readonly slotCount: number;
  readonly work: Workspace;
  readonly everything: Selection;
  /** Those that were asked for, by their places. */
  readonly selections: Map<string, Selection>;
}

/** Choices of features that are remembered of a service: a model asks for the same one again and again. */
const SELECTIONS_MAX = 64;

/** `writerOf`: how values of a type are written. */
export function compileService(
  definition: ServiceDefinition,
  aggregations: ReadonlyMap<string, Aggregation>,
  writerOf: (type: ValueType) => Writer = compileWriter,
): ServicePlan {
  const places = new Map(definition.features.map(({ name }, place) => [name, place]));
  const features = definition.features.map((_, place) =>
    compileFeature(definition, place, places, aggregations, writerOf),
  );
  const columnNames = new Set(definition.requestColumns.map(({ name }) => name));
  const plan = {
    definition,
    features,
    places,
    parseRow: compileRowParser(definition, columnNames),
    columnNames,
    columnWriters: definition.requestColumns.map(({ name, type }) => {
      return { label: `${JSON.stringify(name)}:`, write: writerOf(type) };
    }),
    asOfSlot: slotOf(definition, 'as_of'),
    slotCount: definition.expressionSlots.size,
    work: createWorkspace(definition.expressionSlots.size),
  };
  return { ...plan, everything: compileSelection(plan, [...features.keys()]), selections: new Map() };
}

/** `served` are places of features; the selection reads what they need and nothing else. */
export function select(plan: ServicePlan, served: readonly number[]): Selection {
  const id = served.join(' ');
  const known = plan.selections.get(id);
  if (known !== undefined) return known;
  const selection = compileSelection(plan, served);
  if (plan.selections.size >= SELECTIONS_MAX) plan.selections.clear();
  plan.selections.set(id, selection);
  return selection;
}

function compileSelection(
  { definition, features }: Pick<ServicePlan, 'definition' | 'features'>,
  served: readonly number[],
): Selection {
  const needed = neededFor(features, served);
  const views = needed.filter((feature) => feature.kind === 'view');
  const derived = needed.filter((feature) => feature.kind === 'derived').toSorted((a, b) => a.derived - b.derived);
  const appearances = [...new Set(views.map(({ appearance }) => appearance))].toSorted((a, b) => a - b);
  const read = appearances.flatMap((index) => definition.appearances[index] ?? []);
  const chosen = served.map((place) => features[place] as FeaturePlan);
  const names = chosen.map(({ name }) => name);
  const inputs = new Set(derived.flatMap((feature) => feature.inputs));
  const inputViews = views.filter(({ place }) => inputs.has(place));
  const viewOf = (index: number): string => definition.appearances[index]?.view.id ?? '';
  const { name, version, fingerprint } = definition;
  const headText = JSON.stringify({ service: name, version, fingerprint });
  return {
    names,
    served,
    read: views.map(({ place }) => place),
    computed: derived,
    appearances,
    sources: [...new Map(read.map(({ view }) => [view.source.name, view.source])).values()],
    keysUseAsOf: read.some(({ keys }) => keys.some((key) => key.columns.includes('as_of'))),
    headText: `${headText.slice(0, -1)},"as_of":`,
    namesText: `,"features":${JSON.stringify(names)},`,
    rows: compileRow(chosen, derived, inputViews, appearances, viewOf, chosen.length),
    columns: compileRow(chosen, derived, inputViews, appearances, viewOf, 1),
  };
}

/** The features themselves and all that derived ones read, by place. */
function neededFor(features: readonly FeaturePlan[], served: readonly number[]): readonly FeaturePlan[] {
  const needed = new Set<number>();
  const pending = [...served];
  for (let place = pending.pop(); place !== undefined; place = pending.pop()) {
    if (needed.has(place)) continue;
    needed.add(place);
    const feature = features[place];
    assert(feature !== undefined, 'a selected feature exists');
    if (feature.kind === 'derived') pending.push(...feature.inputs);
  }
  return features.filter(({ place }) => needed.has(place));
}
