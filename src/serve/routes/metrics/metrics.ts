/** `/metrics`: for Prometheus. What the store does not say within the limit is left out. */
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { ADMIN } from '../../access/route-access.ts';
import type { AuditReports } from '../../audit-reports.ts';
import type { Serving } from '../../dependencies.ts';
import type { AuditsReport, FreshnessReport, MetricsSink } from '../../metrics-sink.ts';
import { responses } from '../../schemas.ts';
import { TIMED_OUT, within } from '../../time-limit.ts';
import { earliest } from '../../watermarks.ts';
import { type Freshness, type ShardFreshness, readFreshness } from '../catalog/freshness.ts';

const STORE_LIMIT_MS = 1_000;
const EXAMPLE =
  '# HELP skewless_shard_lag_records Records appended and not yet folded.\n# TYPE skewless_shard_lag_records gauge\nskewless_shard_lag_records{source="departures",view="carrier_delay@1",partition="0"} 0\n';

export function registerMetrics(app: FastifyInstance, serving: Serving, metrics: MetricsSink): void {
  metrics.observeFreshness(() => report(serving));
  const { auditReports } = serving;
  if (auditReports) metrics.observeAudits(() => newestAudits(serving, auditReports));
  app.get(
    '/metrics',
    {
      config: { access: ADMIN },
      schema: {
        operationId: 'metrics',
        tags: ['health'],
        summary: 'Metrics for Prometheus',
        description:
          'Requests, statuses of values, freshness and lag by view and partition, and what became of records. See docs/metrics.md.',
        response: responses(
          { description: 'In the text format of Prometheus', schema: Type.String(), example: EXAMPLE },
          [],
          200,
          'text/plain',
        ),
      },
    },
    async (_request, reply) => {
      return reply
        .type('text/plain; version=0.0.4; charset=utf-8')
        .serializer(String)
        .send(await metrics.text());
    },
  );
}

async function report(serving: Serving): Promise<FreshnessReport> {
  const views = [...serving.definitions.views.values()];
  const freshness: Freshness = new Map(
    (await Promise.all([...serving.definitions.sources.keys()].map((source) => freshnessOf(serving, source)))).flat(),
  );
  const shards = views.flatMap(({ id, source }) =>
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
  return { shards, sources: sourceWatermarks(serving, freshness) };
}

/** Each source by itself: one of which nothing can be known in time costs no other its metrics. */
async function freshnessOf(
  serving: Serving,
  source: string,
): Promise<readonly (readonly [string, readonly ShardFreshness[]])[]> {
  const views = [...serving.definitions.views.values()].filter((view) => view.source.name === source);
  const freshness = await within(
    readFreshness(serving, views).catch((): typeof TIMED_OUT => TIMED_OUT),
    STORE_LIMIT_MS,
  );
  return freshness === TIMED_OUT ? [] : [...freshness];
}

/** See watermarks.ts for which partitions count. One that cannot be read may be the farthest behind: then what was seen before stays. */
function sourceWatermarks(serving: Serving, freshness: Freshness): FreshnessReport['sources'] {
  const views = [...serving.definitions.views.values()];
  return [...serving.definitions.sources.keys()].map((source) => {
    const shards = views.flatMap((view) => (view.source.name === source ? (freshness.get(view.id) ?? []) : []));
    const of = (some: readonly ShardFreshness[]): number | null =>
      earliest(some.map(({ watermark }) => millisecondsOf(watermark)));
    const isWhole = shards.every(({ state }) => state !== 'unavailable');
    const read = isWhole ? (of(shards.filter(({ idle }) => !idle)) ?? of(shards)) : null;
    return { source, watermarkMs: serving.watermarks.observe(source, read) };
  });
}

/**
 * Of services that are defined here, so that labels are theirs. As they were known: a log is slow to say that a topic is not
 * there, which is so where nobody has audited yet, and what it says now is for whoever asks next.
 */
function newestAudits({ definitions }: Serving, reports: AuditReports): AuditsReport {
  reports.read().catch(() => undefined);
  const newest = new Map(reports.known().map(({ report }) => [`${report.service}@${report.version}`, report]));
  return [...definitions.services.keys()].flatMap((service) => {
    const report = newest.get(service);
    return report === undefined
      ? []
      : [{ service, auditedAtMs: Date.parse(report.audited_at), features: report.features }];
  });
}

function millisecondsOf(timestamp: string | null): number | null {
  return timestamp === null ? null : Date.parse(timestamp);
}
