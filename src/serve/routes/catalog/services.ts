/** `GET /v1/feature-services` and `/v1/feature-services/{service}`: what a model reads, and what a request must hold. */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { formatType } from '../../../core/value.ts';
import type { ServiceDefinition, ServiceFeature } from '../../../definition/definition.ts';
import { ANY_KEY } from '../../access/route-access.ts';
import type { Serving } from '../../dependencies.ts';
import { findOrRefuse } from '../../lookup.ts';
import { pathParameter, responses } from '../../schemas.ts';
import { sendJson } from '../../send.ts';
import { SERVICE_EXAMPLE } from './examples.ts';
import { renderDeprecation, renderReaders } from './governance.ts';
import { PageQuerySchema, pageOf, pageSchema } from './page.ts';
import { ServiceSchema } from './schema.ts';

export function registerServices(app: FastifyInstance, { readers }: Serving): void {
  const render = (request: FastifyRequest, service: ServiceDefinition): object => ({
    ...renderService(service),
    readers: renderReaders(readers, service.id, request),
  });
  const routes = app.withTypeProvider<TypeBoxTypeProvider>();
  routes.route({
    method: 'GET',
    url: '/v1/feature-services',
    config: { access: ANY_KEY },
    schema: {
      operationId: 'listFeatureServices',
      tags: ['catalog'],
      summary: 'Feature services',
      description: 'All versions of all feature services, by name.',
      querystring: PageQuerySchema,
      response: responses(
        {
          description: 'One page',
          schema: pageSchema(ServiceSchema),
          example: { items: [SERVICE_EXAMPLE], next_page_token: null },
        },
        [400],
      ),
    },
    handler: async (request, reply) => {
      const { items, nextPageToken } = pageOf(request.access.services, request.query);
      return sendJson(reply, {
        items: items.map((service) => render(request, service)),
        next_page_token: nextPageToken,
      });
    },
  });
  routes.route({
    method: 'GET',
    url: '/v1/feature-services/:service',
    config: { access: ANY_KEY },
    schema: {
      operationId: 'getFeatureService',
      tags: ['catalog'],
      summary: 'One feature service',
      description:
        'By name (the newest version) or `name@version`: its request columns and its features, in the order served.',
      params: pathParameter('service', 'Name of a feature service, or `name@2`', 'departure_delay'),
      response: responses({ description: 'The service', schema: ServiceSchema, example: SERVICE_EXAMPLE }, [400, 404]),
    },
    handler: async (request, reply) =>
      sendJson(
        reply,
        render(request, findOrRefuse(request.access.services, request.params.service, 'feature service')),
      ),
  });
}

function renderService(service: ServiceDefinition): object {
  return {
    name: service.name,
    version: service.version,
    description: service.description,
    owner: service.owner,
    labels: service.labels,
    tags: service.tags,
    deprecated: renderDeprecation(service.deprecated),
    fingerprint: service.fingerprint,
    as_of: service.asOf,
    request: service.requestColumns.map(({ name, kind, type, nullable }) => ({
      name,
      kind,
      type: formatType(type, nullable),
    })),
    features: service.features.map((feature) => renderFeature(service, feature)),
    sources: [...new Set(service.appearances.map(({ view }) => view.source.name))].toSorted(),
  };
}

function renderFeature(service: ServiceDefinition, feature: ServiceFeature): object {
  const { name, description, tags } = feature;
  const deprecated = renderDeprecation(feature.deprecated);
  const common = { name, type: formatType(feature.type, feature.nullable), description, tags, deprecated };
  if (feature.kind === 'derived') {
    const expression = service.derived[feature.derived]?.expression.text ?? null;
    return { ...common, view: null, feature: null, keys: null, expression };
  }
  const appearance = service.appearances[feature.appearance];
  const keys = appearance?.view.entity.keys.map((key, index) => [key.name, appearance.keys[index]?.text ?? key.name]);
  return {
    ...common,
    view: appearance?.view.id ?? null,
    feature: appearance?.view.features[feature.feature]?.name ?? null,
    keys: Object.fromEntries(keys ?? []) as unknown,
    expression: null,
  };
}
