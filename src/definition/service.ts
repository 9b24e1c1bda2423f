/** Feature services: which features a model reads, under which names, from which keys; and what is derived from them. */
import { readCatalogTexts } from './catalog-texts.ts';
import { child, hasBroken, isWhole, items, numberAt, report, textAt } from './cursor.ts';
import type { Cursor } from './cursor.ts';
import type { ServiceDefinition, ServiceFeature, ViewAppearance } from './definition.ts';
import { readDeprecation } from './deprecation.ts';
import { compileDerived, readDerivedDrafts } from './derived.ts';
import type { DerivedDraft } from './derived.ts';
import { fingerprintService } from './fingerprint.ts';
import { createServiceNames } from './service-names.ts';
import type { ServiceNames } from './service-names.ts';
import { AS_OF, compileKeys, readRequestRow } from './service-request.ts';
import type { RequestRow } from './service-request.ts';
import { readServiceView } from './service-view.ts';
import type { ServiceContext, ServiceView } from './service-view.ts';
import type { ViewDraft } from './view.ts';
import type { CompiledExpression, ScopeColumn } from '../expression/expression.ts';

export interface ServiceDraft {
  readonly cursor: Cursor;
  readonly name: string;
  readonly version: number;
  /** Null when anything about it, or about a view it reads, is wrong. */
  readonly definition: ServiceDefinition | null;
}

/** A feature read from a view, before its view is known to be right. */
interface ViewFeature {
  readonly name: string;
  readonly appearance: number;
  readonly index: number;
}

interface Appearance {
  readonly view: ViewDraft;
  readonly prefix: string;
  readonly keys: readonly CompiledExpression[] | null;
}

export function readService(cursor: Cursor, context: ServiceContext): ServiceDraft {
  const name = textAt(cursor, 'name') ?? '';
  const version = numberAt(cursor, 'version', 1);
  const problemsBefore = cursor.file.problems.length;
  const listed = items(child(cursor, 'features'));
  const views = listed.map((at) => readServiceView(at, context)).filter((view) => view !== null);
  const allViews = views.length === listed.length && isWhole(child(cursor, 'features'));
  const row = readRequestRow(cursor, views, allViews && context.complete);
  const { appearances, features } = appear(views, row);
  const drafts = readDerivedDrafts(cursor);
  const names = createServiceNames(row.columns.map((column) => column.name));
  const kept = keepNamed(features, appearances, views, drafts, names);
  const slots = layOutSlots(row, kept.features, kept.drafts);
  const broken = new Set([...row.scope.broken, ...brokenNames(kept.features, appearances)]);
  const complete = row.scope.complete && views.every(({ view }) => view.complete);
  const scope = scopeOf(row, kept.features, appearances, slots);
  const derived = compileDerived(kept.drafts, { scope, broken, complete }, (wanted) => slots.get(wanted) ?? 0);
  const asOf = textAt(cursor, 'as_of') === 'required' ? 'required' : 'optional';
  checkClocks(cursor, appearances, asOf);
  const sound =
    cursor.file.problems.length === problemsBefore &&
    !hasBroken(cursor) &&
    allViews &&
    kept.drafts.length === derived.length;
  const resolved = appearances.map(({ view, prefix, keys }) => resolveAppearance(view, prefix, keys));
  if (!sound || !resolved.every((appearance) => appearance !== null))
    return { cursor, name, version, definition: null };
  const parts = {
    name,
    version,
    id: `${name}@${version}`,
    requestColumns: row.columns,
    appearances: resolved,
    features: servedFeatures(kept.features, resolved, kept.drafts, derived),
    derived,
    expressionSlots: slots,
    asOf,
    deprecated: readDeprecation(cursor),
    ...readCatalogTexts(cursor),
  } as const;
  return { cursor, name, version, definition: { ...parts, fingerprint: fingerprintService(parts) } };
}

/** Entries of one view with the same keys and prefix are one appearance: read once a row. */
function appear(
  views: readonly ServiceView[],
  row: RequestRow,
): { readonly appearances: readonly Appearance[]; readonly features: readonly (ViewFeature & { cursor: Cursor })[] } {
  const appearances: Appearance[] = [];
  const byIdentity = new Map<string, number>();
  const features: (ViewFeature & { cursor: Cursor })[] = [];
  for (const [entry, serviceView] of views.entries()) {
    const { view, prefix, chosen } = serviceView;
    const keys = compileKeys(serviceView, row);
    const keyTexts = keys === null ? `entry ${entry}` : keys.map((key) => key.canonical);
    const identity = JSON.stringify([view.name, view.version, prefix, keyTexts]);
    const appearance = byIdentity.get(identity) ?? appearances.push({ view, prefix, keys }) - 1;
    byIdentity.set(identity, appearance);
    for (const { cursor, index } of chosen) {
      features.push({ cursor, name: `${prefix}${view.outlines[index]?.name ?? ''}`, appearance, index });
    }
  }
  return { appearances, features };
}

/** Drops, after a report, what would have the name of something before it. */
function keepNamed(
  features: readonly (ViewFeature & { cursor: Cursor })[],
  appearances: readonly Appearance[],
  views: readonly ServiceView[],
  drafts: readonly DerivedDraft[],
  names: ServiceNames,
): { readonly features: readonly ViewFeature[]; readonly drafts: readonly DerivedDraft[] } {
  const keptFeatures = features.filter(({ cursor, name, appearance }) => {
    const view = (appearances[appearance] as Appearance).view;
    const entry = views.find((candidate) => isWithin(cursor, candidate.cursor));
    return names.claimFeature(cursor, name, view.name, entry);
  });
  return { features: keptFeatures, drafts: drafts.filter((draft) => names.claimDerived(draft)) };
}

function isWithin(inner: Cursor, outer: Cursor): boolean {
  return outer.path.every((part, index) => inner.path[index] === part);
}

function layOutSlots(
  row: RequestRow,
  features: readonly ViewFeature[],
  drafts: readonly DerivedDraft[],
): ReadonlyMap<string, number> {
  const names = [...row.columns, { name: AS_OF }, ...features, ...drafts].map((column) => column.name);
  return new Map(names.map((name, slot) => [name, slot]));
}

/** What derived features may name. Any feature can be withheld, so all are nullable here. */
function scopeOf(
  row: RequestRow,
  features: readonly ViewFeature[],
  appearances: readonly Appearance[],
  slots: ReadonlyMap<string, number>,
): ReadonlyMap<string, ScopeColumn> {
  const scope = new Map(row.scope.scope);
  for (const { name, appearance, index } of features) {
    const type = appearances[appearance]?.view.outlines[index]?.type;
    const slot = slots.get(name);
    if (type && slot !== undefined) scope.set(name, { type: type.type, nullable: true, slot });
  }
  return scope;
}

function brokenNames(features: readonly ViewFeature[], appearances: readonly Appearance[]): readonly string[] {
  const broken = features.filter(({ appearance, index }) => !appearances[appearance]?.view.outlines[index]?.type);
  return broken.map((feature) => feature.name);
}

function checkClocks(cursor: Cursor, appearances: readonly Appearance[], asOf: 'required' | 'optional'): void {
  const clocks = new Set(appearances.map(({ view }) => view.clock).filter((clock) => clock !== null));
  if (clocks.size < 2 || asOf === 'required') return;
  const of = (clock: string) =>
    [...new Set(appearances.filter(({ view }) => view.clock === clock).map(({ view }) => view.name))].join(', ');
  report(child(cursor, 'features') ?? cursor, 'mixed_clocks', 'views of both clocks leave no common "now"', {
    found: `clock wall: ${of('wall')}; clock watermark: ${of('watermark')}`,
    suggestion: 'as_of: required in the service',
  });
}

function resolveAppearance(
  view: ViewDraft,
  prefix: string,
  keys: readonly CompiledExpression[] | null,
): ViewAppearance | null {
  return view.definition === null || keys === null ? null : { view: view.definition, prefix, keys };
}

/** In the order served: the views' features as listed, then the derived ones as declared. */
function servedFeatures(
  features: readonly ViewFeature[],
  appearances: readonly (ViewAppearance | null)[],
  drafts: readonly DerivedDraft[],
  derived: ServiceDefinition['derived'],
): readonly ServiceFeature[] {
  const fromViews = features.flatMap(({ name, appearance, index }): readonly ServiceFeature[] => {
    const view = appearances[appearance]?.view;
    const feature = view?.features[index];
    if (view === undefined || feature === undefined) return [];
    const { type, nullable, description, tags } = feature;
    const deprecated = feature.deprecated ?? view.deprecated;
    return [{ kind: 'view', name, type, nullable, description, tags, deprecated, appearance, feature: index }];
  });
  const fromDerived = drafts.flatMap(({ name, description, tags, deprecated }): readonly ServiceFeature[] => {
    const at = derived.findIndex((candidate) => candidate.name === name);
    const feature = derived[at];
    if (feature === undefined) return [];
    const { type, nullable } = feature;
    return [{ kind: 'derived', name, type, nullable, description, tags, deprecated, derived: at }];
  });
  return [...fromViews, ...fromDerived];
}
