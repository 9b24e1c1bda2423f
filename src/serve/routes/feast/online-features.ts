/** `POST /get-online-features`, as Feast's SDK asks with `online_store: {type: remote}`: columns in, columns out. */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { LISTED } from '../../../definition/listed-service.ts';
import type { ServicePlan } from '../../../vector/service.ts';
import type { Serving } from '../../dependencies.ts';
import { RequestError, item } from '../../problem.ts';
import { sendText } from '../../send.ts';
import { answerVectors } from '../vectors/answer.ts';
import { tellOfReading } from '../vectors/reading.ts';
import { flagDegraded } from '../vectors/degraded.ts';
import type { VectorsRequest } from '../vectors/request.ts';
import { rowsOf } from './columns.ts';
import { createFeastPlans } from './plans.ts';
import { feastWriter } from './response.ts';
import { OnlineFeaturesBody, onlineFeaturesResponses } from './schema.ts';
import { wantedBy } from './wanted.ts';

export function registerOnlineFeatures(app: FastifyInstance, serving: Serving): void {
  const plans = createFeastPlans();
  // Lists of features are counted as one service, from the start.
  serving.metrics?.vectors(LISTED, []);
  // Nothing goes into the served log: an audit compares values as our own form writes them.
  const ours = { ...serving, servedLog: null };
  app.withTypeProvider<TypeBoxTypeProvider>().route({
    method: 'POST',
    url: '/get-online-features',
    config: { access: { kind: 'body', scope: 'read:{feature_service}' } },
    schema: {
      operationId: 'getOnlineFeatures',
      tags: ['feast'],
      summary: "Feature vectors, as Feast's SDK asks for them",
      description:
        'For `online_store: {type: remote}`. Values are evaluated now; doubles are written with a point and int64 as digits, for the SDK infers types from values. A feature listed by itself needs a service that the key may read and that serves it.',
      body: OnlineFeaturesBody,
      response: onlineFeaturesResponses,
    },
    handler: (request, reply) => {
      const { body } = request;
      const { plan, names } = wantedBy(body, plans, reply);
      const asked = requestOf(body, plan);
      const withVersions = body.include_feature_view_version_metadata ?? false;
      const writerOf = feastWriter({ names, entities: Object.keys(body.entities), withVersions });
      return answer(ours, plan, reply, asked, writerOf);
    },
  });
}

function requestOf({ entities }: OnlineFeaturesBody, plan: ServicePlan): VectorsRequest {
  const { asOf, id } = plan.definition;
  if (asOf === 'required') {
    const message = `${id} reads sources of both clocks and needs an as_of, which Feast's form has no place for; ask /v1/feature-services/${id}/vectors`;
    throw new RequestError(400, [item('as_of_required', '/feature_service', message)]);
  }
  return {
    rows: rowsOf(entities, plan),
    asOfMs: null,
    include: { status: true, eventTime: true, receipt: false, explain: false },
    selection: plan.everything,
    after: new Map(),
    budgetMs: null,
    layout: 'columns',
  };
}

function answer(
  serving: Serving,
  plan: ServicePlan,
  reply: FastifyReply,
  asked: VectorsRequest,
  writerOf: ReturnType<typeof feastWriter>,
): Promise<FastifyReply> | undefined {
  const nowMs = serving.clock.nowMs();
  tellOfReading(serving, plan, reply, nowMs);
  const elapsedMs = (): number => reply.elapsedTime;
  const context = { serving, plan, nowMs, elapsedMs, flagDegraded: () => flagDegraded(reply), writerOf };
  const answered = answerVectors(context, asked);
  if (answered instanceof Promise) return answered.then((text) => sendText(reply, text));
  sendText(reply, answered);
  return undefined;
}
