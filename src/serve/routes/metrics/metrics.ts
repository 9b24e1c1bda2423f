/** `/metrics`: for Prometheus. What the store does not say within the limit is left out. */
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { ADMIN } from '../../access/route-access.ts';
import type { Serving } from '../../dependencies.ts';
import type { FreshnessReport, MetricsSink } from '../../metrics-sink.ts';
import { responses } from '../../schemas.ts';
import { TIMED_OUT, within } from '../../time-limit.ts';
import { readFreshness } from '../catalog/freshness.ts';

const STORE_LIMIT_MS = 1_000;
const EXAMPLE =
  '# HELP skewless_shard_lag_records Records appended and not yet folded.\n# TYPE skewless_shard_lag_records gauge\nskewless_shard_lag_records{source="departures",view="carrier_delay@1",partition="0"} 0\n';

export function recordRequests(app: FastifyInstance, metrics: MetricsSink): void {
  // Not async: of each request a promise would be made.
  app.addHook('onResponse', (request, reply, done) => {
    const operation = request.routeOptions.schema?.operationId ?? 'none';
    metrics.request(operation, reply.statusCode, reply.elapsedTime);
    done();
  });
}

export function registerMetrics(app: FastifyInstance, serving: Serving, metrics: MetricsSink): void {
  app.get(
    '/metrics',
    {
      config: { access: ADMIN },
      schema: {
        operationId: 'metrics',
        tags: ['health'],
        summary: 'Metrics for Prometheus',
        description:
          'Requests, freshness and lag by view and partition, and what became of records. See docs/metrics.md.',
        response: responses(
          { description: 'In the text format of Prometheus', schema: Type.String(), example: EXAMPLE },
          [],
          200,
          'text/plain',
        ),
      },
    },
    async (_request, reply) => {
      const text = await metrics.text(await report(serving));
      return reply.type('text/plain; version=0.0.4; charset=utf-8').serializer(String).send(text);
    },
  );
}

async function report(serving: Serving): Promise<FreshnessReport> {
  const views = [...serving.definitions.views.values()];
  const freshness = await within(
    readFreshness(serving, views).catch((): typeof TIMED_OUT => TIMED_OUT),
    STORE_LIMIT_MS,
  );
  if (freshness === TIMED_OUT) return [];
  return views.flatMap(({ id, source }) =>
    (freshness.get(id) ?? []).map((shard) => ({
      source: source.name,
      view: id,
      partition: shard.partition,
      ready: shard.state === 'ready' || shard.state === 'stale',
      position: shard.position,
      lag: shard.lag,
      watermarkMs: millisecondsOf(shard.watermark),
      caughtUpAtMs: millisecondsOf(shard.caught_up_at),
      heartbeatMs: millisecondsOf(shard.heartbeat),
    })),
  );
}

function millisecondsOf(timestamp: string | null): number | null {
  return timestamp === null ? null : Date.parse(timestamp);
}
