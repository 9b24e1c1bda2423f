/** `POST /v1/sources/{source}/events`: appends events to the source's topic, and answers a position token. */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import { INGEST_SOURCE } from '../../access/route-access.ts';
import { findNamedOrRefuse } from '../../lookup.ts';
import { pathParameter } from '../../schemas.ts';
import { sendJson } from '../../send.ts';
import type { Appender } from './append.ts';
import { EventsBody, EventsHeaders, eventsResponses } from './schema.ts';

export function registerPostEvents(app: FastifyInstance, appender: Appender): void {
  app.withTypeProvider<TypeBoxTypeProvider>().route({
    method: 'POST',
    url: '/v1/sources/:source/events',
    config: { access: INGEST_SOURCE },
    schema: {
      operationId: 'postEvents',
      tags: ['events'],
      summary: 'Append events to a source',
      description:
        'Each event is held to all that its source declares. It is folded a moment later; to read what was just written, give `position` to a read as `after`.',
      params: pathParameter('source', 'Name of a source', 'departures'),
      headers: EventsHeaders,
      body: EventsBody,
      response: eventsResponses,
    },
    handler: async (request, reply) => {
      const source = findNamedOrRefuse(request.access.sources, request.params.source, 'source');
      const sorted = await appender.sort(source, request.body.events);
      const position = await appender.append(source, sorted, request.headers);
      return sendJson(reply, { position, accepted: sorted.sound.length, rejected: sorted.rejected });
    },
  });
}
