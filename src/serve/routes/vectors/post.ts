/** `POST /v1/feature-services/{service}/vectors`: feature vectors for up to 1,000 rows. */
import type { ErrorObject } from 'ajv';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ServicePlan } from '../../../vector/service.ts';
import type { Access } from '../../access/access.ts';
import { READ_SERVICE } from '../../access/route-access.ts';
import type { Serving } from '../../dependencies.ts';
import { findOrRefuse } from '../../lookup.ts';
import { type JsonText, sendText } from '../../send.ts';
import { ARROW_TYPE, acceptedFormat } from './accept.ts';
import { answerVectors } from './answer.ts';
import { arrowStream } from './arrow.ts';
import { flagDegraded } from './degraded.ts';
import { BODY_POINTERS, type Pointers, type VectorsRequest, checkRequest } from './request.ts';
import { tellOfReading } from './reading.ts';
import { VectorsBody, VectorsParams, vectorsResponses } from './schema.ts';

export function registerPostVectors(app: FastifyInstance, serving: Serving): void {
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
      const plan = servicePlan(serving, request.access, request.params.service);
      const schemaErrors = validationErrors(request);
      return answer(serving, plan, reply, request.body, schemaErrors, BODY_POINTERS);
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

/** Checks, reads, evaluates, answers; a promise only where something was waited for. */
export function answer(
  serving: Serving,
  plan: ServicePlan,
  reply: FastifyReply,
  body: unknown,
  schemaErrors: readonly ErrorObject[],
  pointers: Pointers,
): Promise<FastifyReply> | undefined {
  const nowMs = serving.clock.nowMs();
  tellOfReading(serving, plan, reply, nowMs);
  const context = { plan, nowMs, sources: reply.request.access.sources, pointers };
  const format = acceptedFormat(reply.request.headers.accept);
  const checked = checkRequest(body, schemaErrors, context);
  const asked: VectorsRequest = format === 'arrow' ? { ...checked, layout: 'columns' } : checked;
  const elapsedMs = (): number => reply.elapsedTime;
  const answered = answerVectors({ serving, plan, nowMs, elapsedMs, flagDegraded: () => flagDegraded(reply) }, asked);
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
