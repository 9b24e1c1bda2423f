/** `GET /v1/sources` and `/v1/sources/{source}`: streams, their schema, watermark and how far views have read them. */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import { formatDuration } from '../../../core/time.ts';
import { formatType } from '../../../core/value.ts';
import type { SourceDefinition, ViewDefinition } from '../../../definition/definition.ts';
import type { Access } from '../../access/access.ts';
import { ANY_KEY } from '../../access/route-access.ts';
import type { Serving } from '../../dependencies.ts';
import { findNamedOrRefuse } from '../../lookup.ts';
import { pathParameter, responses } from '../../schemas.ts';
import { sendJson } from '../../send.ts';
import { SOURCE_EXAMPLE } from './examples.ts';
import { type Freshness, type ShardFreshness, readFreshness } from './freshness.ts';
import { PageQuerySchema, pageOf, pageSchema } from './page.ts';
import { SourceSchema } from './schema.ts';

export function registerSources(app: FastifyInstance, serving: Serving): void {
  const routes = app.withTypeProvider<TypeBoxTypeProvider>();
  routes.route({
    method: 'GET',
    url: '/v1/sources',
    config: { access: ANY_KEY },
    schema: {
      operationId: 'listSources',
      tags: ['catalog'],
      summary: 'Sources',
      description: 'All sources, with schema, watermark and the freshness of the views that read them, by name.',
      querystring: PageQuerySchema,
      response: responses(
        {
          description: 'One page',
          schema: pageSchema(SourceSchema),
          example: { items: [SOURCE_EXAMPLE], next_page_token: null },
        },
        [400],
      ),
    },
    handler: async (request, reply) => {
      const { items, nextPageToken } = pageOf(request.access.sources, request.query);
      const freshness = await readFreshness(
        serving,
        items.flatMap((source) => viewsOf(request.access, source)),
      );
      const rendered = items.map((source) => renderSource(serving, request.access, source, freshness));
      return sendJson(reply, { items: rendered, next_page_token: nextPageToken });
    },
  });
  routes.route({
    method: 'GET',
    url: '/v1/sources/:source',
    config: { access: ANY_KEY },
    schema: {
      operationId: 'getSource',
      tags: ['catalog'],
      summary: 'One source',
      description: 'Its schema, watermark and the freshness of the views that read it.',
      params: pathParameter('source', 'Name of a source', 'departures'),
      response: responses({ description: 'The source', schema: SourceSchema, example: SOURCE_EXAMPLE }, [400, 404]),
    },
    handler: async (request, reply) => {
      const source = findNamedOrRefuse(request.access.sources, request.params.source, 'source');
      const freshness = await readFreshness(serving, viewsOf(request.access, source));
      return sendJson(reply, renderSource(serving, request.access, source, freshness));
    },
  });
}

function viewsOf(access: Access, source: SourceDefinition): readonly ViewDefinition[] {
  return [...access.views.values()].filter((view) => view.source.name === source.name);
}

function renderSource(serving: Serving, access: Access, source: SourceDefinition, freshness: Freshness): object {
  const views = viewsOf(access, source).map(({ id }) => ({ view: id, freshness: freshness.get(id) ?? [] }));
  const shards = views.flatMap((view) => view.freshness);
  const earliestOf = (some: readonly ShardFreshness[]): string | null =>
    some.flatMap(({ watermark }) => watermark ?? []).toSorted()[0] ?? null;
  const watermark = earliestOf(shards.filter(({ idle }) => !idle)) ?? earliestOf(shards);
  const reported = serving.materializerStatus?.().sources.find((entry) => entry.source === source.name);
  return {
    name: source.name,
    description: source.description,
    owner: source.owner,
    labels: source.labels,
    tags: source.tags,
    topic: source.topic,
    format: source.format,
    mode: source.mode,
    envelope: source.envelope,
    key: { fields: source.key.fields, encoding: source.key.encoding, separator: source.key.separator },
    partitioner: source.partitioner,
    event_time: source.eventTime,
    event_id: source.eventId,
    clock: source.clock,
    max_disorder: formatDuration(source.maxDisorderMs),
    max_ahead: formatDuration(source.maxAheadMs),
    stale_after: formatDuration(source.staleAfterMs),
    fields: source.fields.map(({ name, type, nullable, path }) => ({ name, type: formatType(type, nullable), path })),
    derive: source.derived.map(({ name, type, nullable, expression }) => ({
      name,
      type: formatType(type, nullable),
      expression: expression.text,
    })),
    watermark,
    views,
    dead_letters: reported?.deadLetters ?? null,
  };
}
