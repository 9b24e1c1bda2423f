/**
 * What Feast's SDK calls, in a scope of its own: errors in the forms that it knows, integers beyond what a double holds read
 * exactly, and a body without a content type read as JSON, as Feast's server does.
 */
import type { FastifyInstance } from 'fastify';
import { OPEN } from '../../access/route-access.ts';
import type { Serving } from '../../dependencies.ts';
import { installJsonBodies } from '../../json-body.ts';
import { RequestError, item } from '../../problem.ts';
import { sendJson } from '../../send.ts';
import type { Appender } from '../events/append.ts';
import { withExactIntegers } from './exact-integers.ts';
import { registerOnlineFeatures } from './online-features.ts';
import { registerPush } from './push.ts';
import { sendFeastError } from './refusal.ts';
import { healthResponses } from './schema.ts';

export async function registerFeast(app: FastifyInstance, serving: Serving, appender: Appender): Promise<void> {
  await app.register(async (feast) => {
    feast.setErrorHandler((error: unknown, request, reply) => sendFeastError(error, request, reply));
    // As of `requests.post(url, data=json.dumps(…))`, which Feast's guides show.
    installJsonBodies(feast, { reread: withExactIntegers, untyped: true });
    registerOnlineFeatures(feast, serving);
    registerPush(feast, appender);
    registerFeastHealth(feast, serving);
  });
}

function registerFeastHealth(app: FastifyInstance, { drain }: Serving): void {
  app.get(
    '/health',
    {
      config: { access: OPEN },
      schema: {
        operationId: 'health',
        tags: ['feast'],
        summary: "Whether requests may be sent here, as Feast's server says it",
        description:
          'Fit for the liveness and the readiness probe that a deployment of Feast has: it fails only once the server is told to stop. `/readyz` says more.',
        response: healthResponses,
      },
    },
    (_request, reply) => {
      if (drain.state() !== 'serving')
        throw new RequestError(503, [item('draining', null, 'this server is about to stop')], 1);
      return sendJson(reply, { status: 'healthy' });
    },
  );
}
