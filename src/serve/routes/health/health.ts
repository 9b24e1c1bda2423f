/**
 * Probes. `/livez`: this process answers. `/readyz`: what it serves can be relied on, or 503 with every reason. Both
 * are open, whatever the authentication.
 */
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { messageOf } from '../../../core/errors.ts';
import { OPEN } from '../../access/route-access.ts';
import type { Serving } from '../../dependencies.ts';
import { type ProblemItem, RequestError, item } from '../../problem.ts';
import { responses } from '../../schemas.ts';
import { sendJson } from '../../send.ts';
import { TIMED_OUT, within } from '../../time-limit.ts';
import { readFreshness } from '../catalog/freshness.ts';

const PROBE_LIMIT_MS = 1_000;
const RETRY_AFTER_SECONDS = 1;
const StatusSchema = Type.Object({ status: Type.String() }, { additionalProperties: false });

export function registerHealth(app: FastifyInstance, serving: Serving): void {
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
          'Ready once the store answers and every shard has reached its build target; until then, and once it is told to stop, 503 with the reasons.',
        response: responses({ description: 'They should', schema: StatusSchema, example: { status: 'ready' } }, []),
      },
    },
    async (_request, reply) => {
      if (serving.drain.state() !== 'serving') {
        throw new RequestError(503, [item('draining', null, 'this server is about to stop')], RETRY_AFTER_SECONDS);
      }
      const reasons = [...(await storeReasons(serving)), ...failedSources(serving)];
      if (reasons.length === 0 && serving.readyWhileBuilding !== true) reasons.push(...(await buildReasons(serving)));
      if (reasons.length > 0) throw new RequestError(503, reasons, RETRY_AFTER_SECONDS);
      return sendJson(reply, { status: 'ready' });
    },
  );
}

async function storeReasons({ store }: Serving): Promise<ProblemItem[]> {
  try {
    if ((await within(store.ping(), PROBE_LIMIT_MS)) !== TIMED_OUT) return [];
    return [item('store_unavailable', null, `the store did not answer within ${PROBE_LIMIT_MS} ms`)];
  } catch (error) {
    return [item('store_unavailable', null, `the store cannot be reached: ${messageOf(error)}`)];
  }
}

/** Sources that this process was to fold and never will again without somebody's help. */
function failedSources({ materializerStatus }: Serving): ProblemItem[] {
  return (materializerStatus?.().sources ?? [])
    .filter(({ state }) => state.mode === 'failed')
    .map(({ source, state }) => item(state.code ?? 'failed', null, `source ${source}: ${state.message ?? 'failed'}`));
}

async function buildReasons(serving: Serving): Promise<ProblemItem[]> {
  const freshness = await readFreshness(serving, serving.definitions.views.values());
  return [...freshness].flatMap(([view, shards]) =>
    shards
      .filter(({ state }) => state === 'rebuilding' || state === 'unavailable')
      .map(({ partition, state, position, build_target: target }) => {
        const where = `view ${view}, partition ${partition}`;
        if (state === 'unavailable') return item('store_unavailable', null, `${where} cannot be read`);
        return item(
          'rebuilding',
          null,
          `${where} is at ${position ?? 0} of ${target ?? 'an unknown number of'} records`,
        );
      }),
  );
}
