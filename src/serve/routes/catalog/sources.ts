/** `GET /v1/sources` and `/v1/sources/{source}`: streams, their schema, watermark and how far views have read them. */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import { formatDuration } from '../../../core/time.ts';
import { formatType } from '../../../core/value.ts';
import type { SourceDefinition, ViewDefinition } from '../../../definition/definition.ts';
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
  const { sources } = serving.definitions;
  routes.route({
    method: 'GET',
    url: '/v1/sources',
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
      const { items, nextPageToken } = pageOf(sources, request.query);
      const freshness = await readFreshness(
        serving,
        items.flatMap((source) => viewsOf(serving, source)),
      );
      const rendered = items.map((source) => renderSource(serving, source, freshness));
      return sendJson(reply, { items: rendered, next_page_token: nextPageToken });
    },
  });
  routes.route({
    method: 'GET',
    url: '/v1/sources/:source',
    schema: {
      operationId: 'getSource',
      tags: ['catalog'],
      summary: 'One source',
      description: 'Its schema, watermark and the freshness of the views that read it.',
      params: pathParameter('source', 'Name of a source', 'departures'),
      response: responses({ description: 'The source', schema: SourceSchema, example: SOURCE_EXAMPLE }, [400, 404]),
    },
    handler: async (request, reply) => {
      const source = findNamedOrRefuse(sources, request.params.source, 'source');
      const freshness = await readFreshness(serving, viewsOf(serving, source));
      return sendJson(reply, renderSource(serving, source, freshness));
    },
  });
}

function viewsOf(serving: Serving, source: SourceDefinition): readonly ViewDefinition[] {
  return [...serving.definitions.views.values()].filter((view) => view.source.name === source.name);
}

function renderSource(serving: Serving, source: SourceDefinition, freshness: Freshness): object {
  const views = viewsOf(serving, source).map(({ id }) => ({ view: id, freshness: freshness.get(id) ?? [] }));
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
