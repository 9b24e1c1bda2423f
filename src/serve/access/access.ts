/**
 * What the caller of a request may do, and what there is for it: services, views and sources that it may not know of
 * are in none of these maps, so a handler that looks things up here cannot tell of them.
 */
import type { Definitions, ServiceDefinition, SourceDefinition, ViewDefinition } from '../../definition/definition.ts';
import { ALL, type Scope } from './scope.ts';

export interface Access {
  readonly services: ReadonlyMap<string, ServiceDefinition>;
  readonly views: ReadonlyMap<string, ViewDefinition>;
  readonly sources: ReadonlyMap<string, SourceDefinition>;
  readonly admin: boolean;
  /** By name, whether there is such a service or not. */
  mayRead(service: string): boolean;
  /** Whether the feature of the view (index into its features) may be read by itself: some service it may read serves it. */
  mayReadFeature(view: ViewDefinition, feature: number): boolean;
  mayIngest(source: string): boolean;
}

/** Of everybody, where no keys are asked for. */
export function fullAccess({ services, views, sources }: Definitions): Access {
  const all = (): boolean => true;
  return { services, views, sources, admin: true, mayRead: all, mayReadFeature: all, mayIngest: all };
}

/**
 * A key sees the services it may read, the views behind them, and the sources behind those or that it may write to.
 * `admin` sees all of the catalog, and reads and writes nothing of it.
 */
export function accessOf(scopes: readonly Scope[], definitions: Definitions): Access {
  const admin = scopes.some(({ kind }) => kind === 'admin');
  const mayRead = grantOf(scopes, 'read');
  const mayIngest = grantOf(scopes, 'ingest');
  const readable = filtered(definitions.services, ({ name }) => mayRead(name));
  const may = { mayRead, mayIngest, mayReadFeature: mayRead(ALL) ? () => true : servedBy(readable) };
  if (admin) {
    const { services, views, sources } = definitions;
    return { services, views, sources, admin, ...may };
  }
  const behind = new Set([...readable.values()].flatMap(({ appearances }) => appearances.map(({ view }) => view.id)));
  const views = filtered(definitions.views, ({ id }) => mayRead(ALL) || behind.has(id));
  const read = new Set([...views.values()].map(({ source }) => source.name));
  const sources = filtered(definitions.sources, ({ name }) => mayRead(ALL) || read.has(name) || mayIngest(name));
  return { services: readable, views, sources, admin, ...may };
}

function servedBy(services: ReadonlyMap<string, ServiceDefinition>): Access['mayReadFeature'] {
  const served = new Map<string, Set<number>>();
  for (const { appearances, features } of services.values()) {
    for (const feature of features) {
      if (feature.kind !== 'view') continue;
      const id = appearances[feature.appearance]?.view.id ?? '';
      const ofView = served.get(id) ?? new Set();
      served.set(id, ofView.add(feature.feature));
    }
  }
  return ({ id }, feature) => served.get(id)?.has(feature) === true;
}

function grantOf(scopes: readonly Scope[], kind: 'read' | 'ingest'): (name: string) => boolean {
  const names = new Set(scopes.flatMap((scope) => (scope.kind === kind ? scope.name : [])));
  return names.has(ALL) ? () => true : (name) => names.has(name);
}

function filtered<T>(map: ReadonlyMap<string, T>, keep: (value: T) => boolean): ReadonlyMap<string, T> {
  return new Map([...map].filter(([, value]) => keep(value)));
}
