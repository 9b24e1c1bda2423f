/** What the newest audit of each service found: as any process reads it from the log. */
import type { Meter } from '@opentelemetry/api';
import type { Clock } from '../core/clock.ts';
import type { AuditsReport, NewestAudit } from '../serve/metrics-sink.ts';
import { gauge, type Observation } from './instruments.ts';

export function observeAudits(meter: Meter, clock: Clock, read: () => AuditsReport): void {
  const perFeature =
    (of: (feature: NewestAudit['features'][number]) => Readonly<Record<string, number | null>>, label: string) =>
    (): readonly Observation[] =>
      read().flatMap(({ service, features }) =>
        features.flatMap((each) =>
          Object.entries(of(each)).flatMap(([name, value]): readonly Observation[] =>
            value === null ? [] : [[value, { service, feature: each.feature, [label]: name }]],
          ),
        ),
      );
  gauge(
    meter,
    'skewless_audit_values',
    'Values of the newest audit, by what it found of them.',
    perFeature(({ compared, mismatched, missing, extra }) => ({ compared, mismatched, missing, extra }), 'outcome'),
  );
  gauge(
    meter,
    'skewless_audit_difference',
    'Of the newest audit, between what was served and what is true by event time.',
    perFeature(({ mean_difference: mean, largest_difference: largest }) => ({ mean, largest }), 'statistic'),
  );
  gauge(meter, 'skewless_audit_age_seconds', 'Time since the newest audit of the service.', () =>
    read().map(({ service, auditedAtMs }): Observation => [(clock.nowMs() - auditedAtMs) / 1e3, { service }]),
  );
}
