/** `POST /v1/sources/{source}/events`: appends events to the source's topic, and answers a position token. */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import { SkewlessError, messageOf } from '../../../core/errors.ts';
import type { SourceDefinition } from '../../../definition/definition.ts';
import { type EventEncoding, type EventValidation, validateEvent } from '../../../event/validate.ts';
import type { Schemas } from '../../../event/schemas.ts';
import { prepareEncoding } from '../../../event/wire-encoding.ts';
import type { RecordHeaders } from '../../../event/event.ts';
import { traceHeaders } from '../../../event/trace-context.ts';
import type { AppendRecord, AppendedAt, Log } from '../../../log/log.ts';
import { INGEST_SOURCE } from '../../access/route-access.ts';
import type { Serving } from '../../dependencies.ts';
import { findNamedOrRefuse } from '../../lookup.ts';
import { encodePositionToken } from '../../position-token.ts';
import { RequestError, item } from '../../problem.ts';
import { pathParameter } from '../../schemas.ts';
import { sendJson } from '../../send.ts';
import { TIMED_OUT, within } from '../../time-limit.ts';
import type { TraceText } from '../../tracing.ts';
import { type Backlog, createBacklog } from './backlog.ts';
import { EventsBody, EventsHeaders, eventsResponses } from './schema.ts';

const RETRY_AFTER_SECONDS = 1;
const APPEND_LIMIT_MS = 10_000;
const ENCODING_LIMIT_MS = 5_000;
/** Of records that the log has not confirmed, in this process. */
const INFLIGHT_BYTES_MAX = 33_554_432;

interface Rejected {
  readonly index: number;
  readonly code: string;
  readonly message: string;
}
type Sound = EventValidation & { readonly ok: true };

interface Appending {
  readonly log: Log;
  readonly backlog: Backlog;
  /** Topics known to exist, for events may come before anybody has read from the topic. */
  readonly ensured: Set<string>;
}

export function registerPostEvents(app: FastifyInstance, serving: Serving): void {
  const backlog = createBacklog(serving.ingestInflightBytesMax ?? INFLIGHT_BYTES_MAX);
  const appending = serving.log === null ? null : { log: serving.log, backlog, ensured: new Set<string>() };
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
      if (appending === null) throw logUnavailable('this process has no log; send events to one that has');
      const encoding = await encodingOf(source, serving.schemas ?? null);
      const { sound, rejected } = sort(source, encoding, request.body.events, serving.clock.nowMs());
      const send = (trace: TraceText): Promise<readonly AppendedAt[]> =>
        append(appending, source, recordsOf(sound, traceHeaders(trace.traceparent, trace.tracestate)));
      const { tracing, ingestRecorders } = serving;
      const appended =
        sound.length === 0
          ? []
          : await (tracing ? tracing.send(source.topic, sound.length, request.headers, send) : send(request.headers));
      ingestRecorders.get(source.name)?.(appended.length, rejected.length);
      const position = encodePositionToken(new Map([[source.name, positionAfter(appended)]]));
      return sendJson(reply, { position, accepted: sound.length, rejected });
    },
  });
}

/** What is registered may change with each request. */
async function encodingOf(source: SourceDefinition, schemas: Schemas | null): Promise<EventEncoding> {
  const message = 'the schema registry did not answer in time';
  const away = new RequestError(503, [item('registry_unavailable', null, message)], RETRY_AFTER_SECONDS);
  let encoding: EventEncoding | string | typeof TIMED_OUT;
  try {
    encoding = await within(prepareEncoding(source, schemas), ENCODING_LIMIT_MS);
  } catch (error) {
    if (error instanceof SkewlessError && error.retryable) throw away;
    throw error;
  }
  if (encoding === TIMED_OUT) throw away;
  if (typeof encoding === 'string') throw new RequestError(409, [item('no_schema', null, encoding)]);
  return encoding;
}

function sort(
  source: SourceDefinition,
  encoding: EventEncoding,
  events: readonly unknown[],
  nowMs: number,
): { readonly sound: readonly Sound[]; readonly rejected: readonly Rejected[] } {
  const sound: Sound[] = [];
  const rejected: Rejected[] = [];
  for (const [index, event] of events.entries()) {
    const result = validateEvent(source, event, encoding);
    if (!result.ok) rejected.push({ index, code: result.code, message: result.message });
    else if (result.tsMs !== null && result.tsMs > nowMs + source.maxAheadMs) {
      const message = `${source.eventTime}: more than max_ahead (${source.maxAheadMs} ms) after the time it is appended`;
      rejected.push({ index, code: 'too_far_ahead', message });
    } else sound.push(result);
  }
  return { sound, rejected };
}

/** `trace`: headers of each record. */
function recordsOf(events: readonly Sound[], trace: RecordHeaders | null): readonly AppendRecord[] {
  const more = trace === null ? {} : { headers: trace };
  return events.map(({ key, value }) => ({ key, value, timestampMs: null, ...more }));
}

async function append(
  { log, backlog, ensured }: Appending,
  source: SourceDefinition,
  records: readonly AppendRecord[],
): Promise<readonly AppendedAt[]> {
  const confirmed = backlog.through(records, async () => {
    if (log.makesTopics && !ensured.has(source.topic)) await log.ensureTopic(source.topic, 1);
    ensured.add(source.topic);
    return log.append(source.topic, records, { partitioner: source.partitioner });
  });
  if (confirmed === null) {
    const message = 'the log has not confirmed what it was given before, and this server holds no more for it';
    throw new RequestError(503, [item('overloaded', null, message)], RETRY_AFTER_SECONDS);
  }
  try {
    const appended = await within(confirmed, APPEND_LIMIT_MS);
    if (appended !== TIMED_OUT) return appended;
  } catch (error) {
    if (!(error instanceof SkewlessError) || !error.retryable) throw error;
    throw logUnavailable(`the log cannot be reached: ${messageOf(error)}`);
  }
  throw logUnavailable(`the log did not confirm within ${APPEND_LIMIT_MS} ms; the events may still be appended`);
}

function logUnavailable(message: string): RequestError {
  return new RequestError(503, [item('log_unavailable', null, message)], RETRY_AFTER_SECONDS);
}

/** Partition → next offset after the last appended. */
function positionAfter(appended: readonly AppendedAt[]): Record<number, number> {
  const position: Record<number, number> = {};
  for (const { partition, offset } of appended) {
    position[partition] = Math.max(position[partition] ?? 0, offset + 1);
  }
  return position;
}
