/** The figures, each with its target where it has one. */
import { FEAST_VERSION } from '../../test/services/python.ts';
import { type Target, atLeast, atMost, targetLine } from '../target.ts';
import type { Figures } from '../ingest/meter.ts';
import { type Workload, featuresOf } from './workload.ts';

/** Medians of rounds. */
export interface Rate {
  readonly rows_per_second: number;
  readonly rows_per_cpu_second: number;
  readonly rss_peak_mib: number;
}

/** Of one workload. */
export interface Contest {
  readonly workload: Workload;
  readonly train: Rate;
  /** Null: that part did not run. */
  readonly sql: Rate | null;
  readonly feast: Rate | null;
  /** `train` of ten times the events and labels. */
  readonly longer: Rate | null;
}

export interface Measured {
  readonly flights: number;
  readonly rounds: number;
  readonly contests: readonly Contest[];
}

export interface Report extends Measured {
  readonly targets: readonly Target[];
}

const RATIO_MIN = 1;
const MEMORY_RATIO_MAX = 1.25;
export const LONGER = 10;
const NAME_WIDTH = 32;

export function rateOf(rounds: readonly Figures[]): Rate {
  const median = (values: readonly number[]): number =>
    values.toSorted((one, other) => one - other)[values.length >> 1] ?? Number.NaN;
  return {
    rows_per_second: median(rounds.map(({ events, seconds }) => events / seconds)),
    rows_per_cpu_second: median(rounds.map(({ events, cpu_seconds }) => events / cpu_seconds)),
    rss_peak_mib: median(rounds.map(({ rss_peak_mib }) => rss_peak_mib)),
  };
}

export function createReport(measured: Measured): Report {
  return { ...measured, targets: measured.contests.flatMap(targetsOf) };
}

function targetsOf({ workload: { name: workload }, train, sql, feast, longer }: Contest): readonly Target[] {
  const targets = Object.entries({ sql, feast }).flatMap(([name, rate]) =>
    rate === null
      ? []
      : [
          atLeast(`${workload}_${name}_per_second`, train.rows_per_second / rate.rows_per_second, RATIO_MIN),
          atLeast(
            `${workload}_${name}_per_cpu_second`,
            train.rows_per_cpu_second / rate.rows_per_cpu_second,
            RATIO_MIN,
          ),
        ],
  );
  if (longer !== null) {
    targets.push(atMost('memory_growth', longer.rss_peak_mib / train.rss_peak_mib, MEMORY_RATIO_MAX));
  }
  return targets;
}

export function formatReport({ flights, rounds, contests, targets }: Report): string {
  return [
    `${whole(flights)} events and as many labels, medians of ${rounds} rounds`,
    ...contests.flatMap(({ workload, train, sql, feast, longer }) => [
      '',
      `${workload.name}: ${featuresOf(workload).length} features of ${entitiesText(workload)}`,
      rateLine('skewless train', train),
      ...(sql === null ? [] : [rateLine('DuckDB alone', sql)]),
      ...(feast === null ? [] : [rateLine(`Feast ${FEAST_VERSION}, joining alone`, feast)]),
      ...(longer === null ? [] : [rateLine(`skewless train, ${LONGER} times as many`, longer)]),
    ]),
    '',
    ...targets.map((target) => targetLine(target, NAME_WIDTH)),
  ].join('\n');
}

function entitiesText({ entities }: Workload): string {
  return Object.entries(entities)
    .map(([name, count]) => `${whole(count)} × ${name}`)
    .join(' and ');
}

function rateLine(name: string, { rows_per_second, rows_per_cpu_second, rss_peak_mib }: Rate): string {
  const rates = `${whole(rows_per_second).padStart(9)} rows/s ${whole(rows_per_cpu_second).padStart(9)} per CPU-second`;
  return `${name.padEnd(NAME_WIDTH)} ${rates} ${whole(rss_peak_mib).padStart(7)} MiB`;
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en');
}
