/** `GET /v1/feature-views` and `/v1/feature-views/{view}`: what is aggregated, over which windows, how fresh. */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import { formatDuration } from '../../../core/time.ts';
import { formatType } from '../../../core/value.ts';
import type { FeatureDefinition, ViewDefinition } from '../../../definition/definition.ts';
import { readsOf } from '../../../definition/feature-reads.ts';
import { compileRenderer } from '../../../vector/render.ts';
import type { Access } from '../../access/access.ts';
import { ANY_KEY } from '../../access/route-access.ts';
import type { Serving, ViewCounters } from '../../dependencies.ts';
import { findOrRefuse } from '../../lookup.ts';
import { pathParameter, responses } from '../../schemas.ts';
import { sendJson } from '../../send.ts';
import { VIEW_EXAMPLE } from './examples.ts';
import { renderDeprecation } from './governance.ts';
import { type ShardFreshness, readFreshness } from './freshness.ts';
import { PageQuerySchema, pageOf, pageSchema } from './page.ts';
import { ViewSchema } from './schema.ts';

export function registerViews(app: FastifyInstance, serving: Serving): void {
  const routes = app.withTypeProvider<TypeBoxTypeProvider>();
  routes.route({
    method: 'GET',
    url: '/v1/feature-views',
    config: { access: ANY_KEY },
    schema: {
      operationId: 'listFeatureViews',
      tags: ['catalog'],
      summary: 'Feature views',
      description: 'All versions of all feature views, with types, windows, hops and freshness, by name.',
      querystring: PageQuerySchema,
      response: responses(
        {
          description: 'One page',
          schema: pageSchema(ViewSchema),
          example: { items: [VIEW_EXAMPLE], next_page_token: null },
        },
        [400],
      ),
    },
    handler: async (request, reply) => {
      const { items, nextPageToken } = pageOf(request.access.views, request.query);
      const freshness = await readFreshness(serving, items);
      const rendered = items.map((view) => renderView(serving, request.access, view, freshness.get(view.id) ?? []));
      return sendJson(reply, { items: rendered, next_page_token: nextPageToken });
    },
  });
  routes.route({
    method: 'GET',
    url: '/v1/feature-views/:view',
    config: { access: ANY_KEY },
    schema: {
      operationId: 'getFeatureView',
      tags: ['catalog'],
      summary: 'One feature view',
      description: 'By name (the newest version) or `name@version`.',
      params: pathParameter('view', 'Name of a feature view, or `name@2`', 'origin_departures'),
      response: responses({ description: 'The view', schema: ViewSchema, example: VIEW_EXAMPLE }, [400, 404]),
    },
    handler: async (request, reply) => {
      const view = findOrRefuse(request.access.views, request.params.view, 'feature view');
      const freshness = await readFreshness(serving, [view]);
      return sendJson(reply, renderView(serving, request.access, view, freshness.get(view.id) ?? []));
    },
  });
}

function renderView(
  serving: Serving,
  access: Access,
  view: ViewDefinition,
  freshness: readonly ShardFreshness[],
): object {
  const { entity, keyColumns } = view;
  return {
    name: view.name,
    version: view.version,
    description: view.description,
    owner: view.owner,
    labels: view.labels,
    tags: view.tags,
    deprecated: renderDeprecation(view.deprecated),
    entity: {
      name: entity.name,
      keys: entity.keys.map(({ name, type }, index) => ({ name, type, column: keyColumns[index] ?? name })),
    },
    source: view.source.name,
    where: view.where?.text ?? null,
    max_age: view.maxAgeMs === null ? null : formatDuration(view.maxAgeMs),
    history: formatDuration(view.historyMs),
    incomplete: view.incomplete,
    features: view.features.map((feature) => renderFeature(view, feature)),
    state_fingerprint: view.stateFingerprint,
    read_fingerprint: view.readFingerprint,
    services: [...access.services.values()]
      .filter((service) => service.appearances.some((appearance) => appearance.view.id === view.id))
      .map(({ id }) => id)
      .toSorted(),
    freshness,
    counters: renderCounters(serving, view),
  };
}

function renderFeature(view: ViewDefinition, feature: FeatureDefinition): object {
  const { window } = feature;
  const { of, where } = readsOf(view, feature);
  const sliding = window.kind === 'sliding' ? window : null;
  return {
    name: feature.name,
    type: formatType(feature.type, feature.nullable),
    aggregation: feature.aggregation,
    params: feature.params,
    of: of === null ? null : textOf(of.members),
    where: where?.text ?? null,
    window: sliding === null ? 'lifetime' : formatDuration(sliding.lengthMs),
    hop: sliding === null ? null : formatDuration(sliding.hopMs),
    offset: sliding === null || sliding.offsetMs === 0 ? null : formatDuration(sliding.offsetMs),
    default: compileRenderer(feature.type)(feature.defaultValue),
    description: feature.description,
    owner: feature.owner === '' ? view.owner : feature.owner,
    tags: feature.tags,
    deprecated: renderDeprecation(feature.deprecated),
  };
}

/** A plain `of` as written; a struct as `{ carrier: carrier, at: departed_at }`. */
function textOf(members: ViewDefinition['columns'][number]['members']): string {
  const [first] = members;
  if (first !== undefined && members.length === 1 && first.name === '') return first.expression.text;
  return `{ ${members.map(({ name, expression }) => `${name}: ${expression.text}`).join(', ')} }`;
}

function renderCounters(serving: Serving, view: ViewDefinition): object | null {
  const reported = serving.materializerStatus?.().sources.flatMap(({ views }) => views) ?? [];
  const counters: ViewCounters | undefined = reported.find(({ views }) => views.includes(view.id))?.counters;
  if (counters === undefined) return null;
  const { folded, late, tooLate, duplicates, filtered, nullKey, erased, rejected } = counters;
  return { folded, late, too_late: tooLate, duplicates, filtered, null_key: nullKey, erased, rejected };
}
