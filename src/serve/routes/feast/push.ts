/**
 * `POST /push`, and `POST /write-to-online-store`, which is what the `push` of Feast's SDK calls with a remote online store: rows
 * become events of a source. All of them are appended, or none: a refusal says all that is wrong.
 */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { SourceDefinition } from '../../../definition/definition.ts';
import { findVersioned } from '../../../definition/find.ts';
import { forbidden } from '../../access/install.ts';
import type { RouteAccess } from '../../access/route-access.ts';
import { unknownItem } from '../../lookup.ts';
import { RequestError, item } from '../../problem.ts';
import { sendJson } from '../../send.ts';
import type { Appender } from '../events/append.ts';
import type { Columns } from './columns.ts';
import { eventsOf } from './events.ts';
import { PushBody, WriteBody, pushResponses, writeResponses } from './schema.ts';

const INGEST: RouteAccess = { kind: 'body', scope: 'ingest:{source}' };

export function registerPush(app: FastifyInstance, appender: Appender): void {
  const typed = app.withTypeProvider<TypeBoxTypeProvider>();
  typed.route({
    method: 'POST',
    url: '/push',
    config: { access: INGEST },
    schema: {
      operationId: 'push',
      tags: ['feast'],
      summary: "Append events, as Feast's push endpoint takes them",
      description:
        'Rows become events of the source of that name, or of the source that the view of that name reads. There is one log for what is online and offline, so that `to` says nothing.',
      body: PushBody,
      response: pushResponses,
    },
    handler: (request, reply) => {
      const { push_source_name: name, df } = request.body;
      const refusal = (names: Iterable<string>): RequestError =>
        new RequestError(422, [unknownItem('push source', name, names, '/push_source_name')]);
      return push(appender, reply, sourceOf(name, reply, refusal), df);
    },
  });
  typed.route({
    method: 'POST',
    url: '/write-to-online-store',
    config: { access: INGEST },
    schema: {
      operationId: 'writeToOnlineStore',
      tags: ['feast'],
      summary: "Append events, as the push of Feast's SDK sends them",
      description:
        'As `/push`, by the name of a view in Feast: that of the source here, or of a view here that reads it. `event_timestamp` is the event time; `created` is ignored.',
      body: WriteBody,
      response: writeResponses,
    },
    handler: (request, reply) => {
      const { feature_view_name: name, df } = request.body;
      const refusal = (names: Iterable<string>): RequestError =>
        new RequestError(404, [unknownItem('feature view', name, names, '/feature_view_name')]);
      return push(appender, reply, sourceOf(name, reply, refusal), df);
    },
  });
}

function sourceOf(
  name: string,
  reply: FastifyReply,
  refusal: (names: Iterable<string>) => RequestError,
): SourceDefinition {
  const { access } = reply.request;
  const source = access.sources.get(name) ?? findVersioned(access.views, name)?.source;
  if (source === undefined)
    throw refusal([...access.sources.keys(), ...[...access.views.values()].map((view) => view.name)]);
  if (!access.mayIngest(source.name)) throw forbidden(reply, `ingest:${source.name}`);
  return source;
}

async function push(
  appender: Appender,
  reply: FastifyReply,
  source: SourceDefinition,
  df: Columns,
): Promise<FastifyReply> {
  const sorted = await appender.sort(source, eventsOf(df, source));
  if (sorted.rejected.length > 0) {
    const problems = sorted.rejected.map(({ index, code, message }) =>
      item(code, `/df/${index}`, `row ${index}: ${message}; no row was appended`),
    );
    throw new RequestError(400, problems);
  }
  const position = await appender.append(source, sorted, reply.request.headers);
  return sendJson(reply, { position, accepted: sorted.sound.length });
}
