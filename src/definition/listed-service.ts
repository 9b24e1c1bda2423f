/**
 * A feature service that nobody declared: features of views, as a request lists them. Each view is read by its own entity
 * keys; views with a key of the same name share its value.
 */
import type { FieldType } from '../core/value.ts';
import type { RequestColumn, ServiceDefinition, ServiceFeature, ViewDefinition } from './definition.ts';
import { columnExpression } from './expression-text.ts';
import { fingerprintService } from './fingerprint.ts';
import { AS_OF } from './service-request.ts';

export interface ListedFeature {
  readonly view: ViewDefinition;
  /** Index into the view's features. */
  readonly feature: number;
}

export type ListedService =
  | { readonly ok: true; readonly service: ServiceDefinition }
  | { readonly ok: false; readonly code: 'type_mismatch' | 'mixed_clocks'; readonly message: string };

/** No service that is declared can have this name. */
export const LISTED = '(listed)';

export function listedService(listed: readonly ListedFeature[]): ListedService {
  const views = [...new Set(listed.map(({ view }) => view))];
  const keys = keysOf(views);
  if (!(keys instanceof Map)) return { ok: false, code: 'type_mismatch', message: keys };
  if (new Set(views.map(({ source }) => source.clock)).size > 1) {
    const of = (clock: string): string =>
      views.flatMap(({ id, source }) => (source.clock === clock ? [id] : [])).join(', ');
    const message = `views of both clocks leave no common "now": wall: ${of('wall')}; watermark: ${of('watermark')}; ask for them apart`;
    return { ok: false, code: 'mixed_clocks', message };
  }
  const requestColumns = [...keys.values()];
  const features = listed.map(({ view, feature }) => featureOf(view, feature, views.indexOf(view)));
  const slots = [...requestColumns.map(({ name }) => name), AS_OF, ...features.map(({ name }) => name)];
  const parts = {
    name: LISTED,
    version: 1,
    id: LISTED,
    requestColumns,
    appearances: views.map((view) => ({
      view,
      prefix: '',
      keys: view.entity.keys.map(({ name, type }) =>
        columnExpression(name, slots.indexOf(name), { type: { kind: type }, nullable: false }),
      ),
    })),
    features,
    derived: [],
    expressionSlots: new Map(slots.map((name, slot) => [name, slot])),
    asOf: 'optional',
    description: '',
    owner: '',
    labels: {},
    tags: [],
    deprecated: null,
  } as const;
  return { ok: true, service: { ...parts, fingerprint: fingerprintService(parts) } };
}

/** In the order of the views; a sentence where two views have keys of one name and different types. */
function keysOf(views: readonly ViewDefinition[]): Map<string, RequestColumn> | string {
  const keys = new Map<string, RequestColumn>();
  for (const { id, entity } of views) {
    for (const { name, type } of entity.keys) {
      const earlier = keys.get(name);
      const column: RequestColumn & FieldType = { name, kind: 'key', type: { kind: type }, nullable: false };
      if (earlier === undefined) keys.set(name, column);
      else if (earlier.type.kind !== type) {
        return `the entity key ${name} is ${type} in ${id} and ${earlier.type.kind} in another view; ask for them apart`;
      }
    }
  }
  return keys;
}

/** Its name holds `@` and `:`, so that no key has the same. */
function featureOf(view: ViewDefinition, index: number, appearance: number): ServiceFeature {
  const feature = view.features[index] as ViewDefinition['features'][number];
  const deprecated = feature.deprecated ?? view.deprecated;
  const { type, nullable, description, tags } = feature;
  const name = `${view.id}:${feature.name}`;
  return { kind: 'view', name, type, nullable, description, tags, deprecated, appearance, feature: index };
}
