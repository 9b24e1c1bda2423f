/** `POST /v1/feature-services/{service}/vectors`: feature vectors for up to 1,000 rows. */
import type { ErrorObject } from 'ajv';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ServicePlan } from '../../../vector/service.ts';
import type { Access } from '../../access/access.ts';
import { READ_SERVICE } from '../../access/route-access.ts';
import type { Serving } from '../../dependencies.ts';
import { findVersioned } from '../../../definition/find.ts';
import { type JsonBodies, PLAIN_BODIES, installJsonBodies } from '../../json-body.ts';
import { findOrRefuse } from '../../lookup.ts';
import { type JsonText, sendText } from '../../send.ts';
import { ARROW_TYPE, acceptedFormat } from './accept.ts';
import { answerVectors } from './answer.ts';
import { arrowStream } from './arrow.ts';
import { flagDegraded } from './degraded.ts';
import { KnownRequest, type KnownRows, createKnownRows } from './known-rows.ts';
import { BODY_POINTERS, type Pointers, type VectorsRequest, checkRequest } from './request.ts';
import { tellOfReading } from './reading.ts';
import type { AppearanceRead } from './row-reads.ts';
import { VectorsBody, VectorsParams, vectorsResponses } from './schema.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The body as it came, where what it says may be learned; else null. */
    bodyText: string | null;
  }
}

/** In a scope of its own: bodies that say what was said before are not parsed. */
export async function registerPostVectors(app: FastifyInstance, serving: Serving): Promise<void> {
  // What is learned of a body leads to states that are kept.
  const knownRows = serving.tier ? createKnownRows(serving) : null;
  await app.register(async (vectors) => {
    vectors.decorateRequest('bodyText', null);
    if (knownRows !== null)
      installJsonBodies(vectors, { ...PLAIN_BODIES, recognize: recognizer(knownRows, serving.services) });
    registerRoute(vectors, serving, knownRows);
  });
}

function recognizer(knownRows: KnownRows, plans: Serving['services']): NonNullable<JsonBodies['recognize']> {
  return (request, body) => {
    const { service } = request.params as { readonly service: string };
    const found = findVersioned(request.access.services, service);
    if (found === null) return null;
    request.bodyText = body;
    return knownRows.recognize(plans.get(found.id) as ServicePlan, body);
  };
}

function registerRoute(app: FastifyInstance, serving: Serving, knownRows: KnownRows | null): void {
  app.withTypeProvider<TypeBoxTypeProvider>().route({
    method: 'POST',
    url: '/v1/feature-services/:service/vectors',
    config: { access: READ_SERVICE },
    // Rows are checked against the service as well, and all problems are told at once.
    attachValidation: true,
    schema: {
      operationId: 'postVectors',
      tags: ['vectors'],
      summary: 'Feature vectors for entities',
      description:
        'Evaluates a feature service for each row at `as_of`. A value is exact, or is withheld or flagged by a status that is always in the response.',
      params: VectorsParams,
      body: VectorsBody,
      response: vectorsResponses,
    },
    handler: (request, reply) => {
      const { body, bodyText } = request;
      const plan =
        body instanceof KnownRequest ? body.plan : servicePlan(serving, request.access, request.params.service);
      const learn = (asked: VectorsRequest, reads: readonly AppearanceRead[]): void => {
        if (bodyText !== null) knownRows?.learn(plan, bodyText, body, asked, reads);
      };
      return answer(serving, plan, reply, body, validationErrors(request), BODY_POINTERS, learn);
    },
  });
}

/** The plan of `name` or `name@version`; refuses an unknown one with 404. */
export function servicePlan(serving: Serving, access: Access, reference: string): ServicePlan {
  const { id } = findOrRefuse(access.services, reference, 'feature service');
  return serving.services.get(id) as ServicePlan;
}

function validationErrors(request: FastifyRequest): readonly ErrorObject[] {
  const context = request.validationError?.validationContext;
  return context === 'body' ? ((request.validationError?.validation ?? []) as readonly ErrorObject[]) : [];
}

/** Checks, reads, evaluates, answers; a promise only where something was waited for. `learn` is told of what was all kept. */
export function answer(
  serving: Serving,
  plan: ServicePlan,
  reply: FastifyReply,
  body: unknown,
  schemaErrors: readonly ErrorObject[],
  pointers: Pointers,
  learn?: (asked: VectorsRequest, reads: readonly AppearanceRead[]) => void,
): Promise<FastifyReply> | undefined {
  const nowMs = serving.clock.nowMs();
  tellOfReading(serving, plan, reply, nowMs);
  const format = acceptedFormat(reply.request.headers.accept);
  const known = body instanceof KnownRequest ? body : null;
  const context = { plan, nowMs, sources: reply.request.access.sources, pointers };
  const checked = known?.asked ?? checkRequest(body, schemaErrors, context);
  const asked: VectorsRequest = format === 'arrow' ? { ...checked, layout: 'columns' } : checked;
  const answered = answerVectors(
    {
      serving,
      plan,
      nowMs,
      elapsedMs: () => reply.elapsedTime,
      flagDegraded: () => flagDegraded(reply),
      onKept: (reads) => {
        if (reads !== known?.reads) learn?.(checked, reads);
      },
    },
    asked,
    known?.reads,
  );
  if (format === 'arrow') return sendArrow(reply, plan, asked, answered);
  if (answered instanceof Promise) return answered.then((text) => sendText(reply, text));
  sendText(reply, answered);
  return undefined;
}

async function sendArrow(
  reply: FastifyReply,
  plan: ServicePlan,
  asked: VectorsRequest,
  answered: JsonText | Promise<JsonText>,
): Promise<FastifyReply> {
  const { text } = await answered;
  return reply.type(ARROW_TYPE).send(await arrowStream(plan, asked, text));
}
