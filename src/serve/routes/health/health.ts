/**
 * Probes. `/livez`: this process answers. `/readyz`: what it serves can be relied on, or 503 with every reason. Both
 * are open, whatever the authentication.
 */
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { OPEN } from '../../access/route-access.ts';
import type { Serving } from '../../dependencies.ts';
import { RequestError, item } from '../../problem.ts';
import { responses } from '../../schemas.ts';
import { sendJson } from '../../send.ts';
import { createReadiness } from './readiness.ts';

const RETRY_AFTER_SECONDS = 1;
const StatusSchema = Type.Object({ status: Type.String() }, { additionalProperties: false });

export function registerHealth(app: FastifyInstance, serving: Serving): void {
  const readiness = createReadiness(serving);
  app.get(
    '/livez',
    {
      config: { access: OPEN },
      schema: {
        operationId: 'livez',
        tags: ['health'],
        summary: 'Whether this process answers',
        description: 'Restart the process when this fails.',
        response: responses({ description: 'It does', schema: StatusSchema, example: { status: 'alive' } }, []),
      },
    },
    (_request, reply) => sendJson(reply, { status: 'alive' }),
  );
  app.get(
    '/readyz',
    {
      config: { access: OPEN },
      schema: {
        operationId: 'readyz',
        tags: ['health'],
        summary: 'Whether requests should be sent here',
        description:
          'Ready once the store answers and every shard has reached its build target; until then, and once it is told to stop, 503 with the reasons. Where keys are asked for, they are told by code and number alone, for whoever asks needs none.',
        response: responses({ description: 'They should', schema: StatusSchema, example: { status: 'ready' } }, []),
      },
    },
    async (_request, reply) => {
      if (serving.drain.state() !== 'serving') {
        throw new RequestError(503, [item('draining', null, 'this server is about to stop')], RETRY_AFTER_SECONDS);
      }
      const reasons = await readiness.reasons();
      if (reasons.length > 0) throw new RequestError(503, reasons, RETRY_AFTER_SECONDS);
      return sendJson(reply, { status: 'ready' });
    },
  );
}
