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
  mayIngest(source: string): boolean;
}

/** Of everybody, where no keys are asked for. */
export function fullAccess({ services, views, sources }: Definitions): Access {
  return { services, views, sources, admin: true, mayRead: () => true, mayIngest: () => true };
}

/**
 * A key sees the services it may read, the views behind them, and the sources behind those or that it may write to.
 * `admin` sees all of the catalog, and reads and writes nothing of it.
 */
export function accessOf(scopes: readonly Scope[], definitions: Definitions): Access {
  const admin = scopes.some(({ kind }) => kind === 'admin');
  const mayRead = grantOf(scopes, 'read');
  const mayIngest = grantOf(scopes, 'ingest');
  if (admin) {
    const { services, views, sources } = definitions;
    return { services, views, sources, admin, mayRead, mayIngest };
  }
  const services = filtered(definitions.services, ({ name }) => mayRead(name));
  const behind = new Set([...services.values()].flatMap(({ appearances }) => appearances.map(({ view }) => view.id)));
  const views = filtered(definitions.views, ({ id }) => mayRead(ALL) || behind.has(id));
  const read = new Set([...views.values()].map(({ source }) => source.name));
  const sources = filtered(definitions.sources, ({ name }) => mayRead(ALL) || read.has(name) || mayIngest(name));
  return { services, views, sources, admin, mayRead, mayIngest };
}

function grantOf(scopes: readonly Scope[], kind: 'read' | 'ingest'): (name: string) => boolean {
  const names = new Set(scopes.flatMap((scope) => (scope.kind === kind ? scope.name : [])));
  return names.has(ALL) ? () => true : (name) => names.has(name);
}

function filtered<T>(map: ReadonlyMap<string, T>, keep: (value: T) => boolean): ReadonlyMap<string, T> {
  return new Map([...map].filter(([, value]) => keep(value)));
}
