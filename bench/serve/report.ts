/** The figures of the parts that ran, each with its target where it has one. */
import { type Target, atLeast, atMost, targetLine } from '../target.ts';
import type { HitRate } from './cache.ts';
import type { ColdOutcome } from './cold.ts';
import type { FeastFigures } from './feast/feast.ts';
import { CONNECTIONS, type LoadFigures } from './generator.ts';
import { KEYS_PER_SECOND, type InvalidationFigures } from './invalidation.ts';
import { EVENTS_PER_SECOND, MIXED_ROWS, type MixedFigures, type MixedRun } from './mixed.ts';
import type { StateFigures } from './states.ts';
import type { WarmFigures } from './warm.ts';
import { FEATURES } from './workload.ts';

export interface Settings {
  readonly events: number;
  readonly rounds: number;
  readonly seconds: number;
  readonly mixed_seconds: number;
  /** False: this version has no LRU tier, so that nothing is served from memory and warm is cold. */
  readonly tier: boolean;
}

/** Null: that part did not run. */
export interface Parts {
  readonly states: StateFigures;
  readonly warm: readonly WarmFigures[] | null;
  readonly cold: ColdOutcome | null;
  readonly feast: FeastFigures | null;
  readonly mixed: MixedFigures | null;
  readonly invalidation: InvalidationFigures | null;
}

export interface Report extends Settings, Parts {
  readonly targets: readonly Target[];
}

const WARM_RATIO_MIN = 0.85;
const COMPARED_RATIO_MIN = 0.7;
const COLD_RATIO_MIN = { sparse: 0.8, dense: 0.35 } as const;
const MIXED_P99_RATIO_MAX = 2;
const FEAST_REQUESTS_RATIO_MIN = 50;
const FEAST_P99_RATIO_MAX = 1 / 20;
const NAME_WIDTH = 31;

export function createReport(settings: Settings, parts: Parts): Report {
  const { warm, cold, feast, mixed } = parts;
  const targets: Target[] = [];
  for (const { rows, ratio, compared_ratio } of warm ?? []) {
    targets.push(atLeast(`warm_${rows}`, ratio, WARM_RATIO_MIN));
    targets.push(atLeast(`warm_derived_${rows}`, compared_ratio, COMPARED_RATIO_MIN));
  }
  for (const { states, rows, ratio } of cold?.figures ?? []) {
    targets.push(atLeast(`cold_${states}_${rows}`, ratio, COLD_RATIO_MIN[states]));
  }
  if (mixed !== null) targets.push(atMost('mixed_p99_over_warm', mixed.mixed_over_warm, MIXED_P99_RATIO_MAX));
  if (feast !== null) {
    targets.push(atLeast('feast_requests', feast.requests_ratio, FEAST_REQUESTS_RATIO_MIN));
    targets.push(atMost('feast_p99', feast.p99_ratio, FEAST_P99_RATIO_MAX));
  }
  return { ...settings, ...parts, targets };
}

export function formatReport(report: Report): string {
  const { warm, cold, feast, mixed, invalidation } = report;
  const tier = report.tier ? '' : '\nThis version has no LRU tier: warm is cold, and nothing is told of writes.';
  const sections = [
    [
      `${FEATURES} features a row, ${CONNECTIONS} connections, medians of ${report.rounds} rounds of ${report.seconds} s${tier}`,
      statesLine('all', report.states),
      ...(cold === null ? [] : [statesLine('sparse', cold.sparse_states), statesLine('dense', cold.dense_states)]),
    ],
    (warm ?? []).flatMap(warmLines),
    (cold?.figures ?? []).flatMap(({ states, rows, packed, ours }) => [
      loadLine(`cold ${rows}, ${states}: packed`, packed),
      loadLine(`cold ${rows}, ${states}: ours`, ours),
    ]),
    feast === null ? [] : feastLines(feast),
    mixed === null ? [] : mixedLines(mixed, report.mixed_seconds),
    invalidation === null ? [] : [invalidationLine(invalidation)],
    report.targets.map((target) => targetLine(target, NAME_WIDTH)),
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

function statesLine(name: string, figures: StateFigures): string {
  const { cards, events_p50, events_p99, tiles_p50, tiles_p99, bytes_p50, bytes_p99 } = figures;
  const pair = (what: string, p50: number, p99: number): string => `${what} p50 ${whole(p50)}, p99 ${whole(p99)}`;
  return `${`${name} states`.padEnd(NAME_WIDTH)} ${whole(cards)} cards; ${pair('events', events_p50, events_p99)}; ${pair('tiles', tiles_p50, tiles_p99)}; ${pair('bytes', bytes_p50, bytes_p99)}`;
}

function warmLines({ rows, bare, ours, over_minute_ratio, compared_bare, compared }: WarmFigures): string[] {
  const overMinute =
    over_minute_ratio === null ? '' : `, over a minute's beginning ${over_minute_ratio.toFixed(3)} of bare`;
  return [
    loadLine(`warm ${rows}: bare Fastify`, bare),
    `${loadLine(`warm ${rows}: ours`, ours)}${overMinute}`,
    loadLine(`warm ${rows}, derived: bare`, compared_bare),
    loadLine(`warm ${rows}, derived: ours`, compared),
  ];
}

function feastLines({ version, packages, rows, servers, ours }: FeastFigures): string[] {
  return [
    loadLine(`ours, ${rows} rows`, ours),
    ...servers.flatMap(({ command, figures }) => [
      loadLine(`Feast ${version}, ${rows} rows`, figures),
      `${'as'.padEnd(NAME_WIDTH)} ${command}`,
    ]),
    `${'on'.padEnd(NAME_WIDTH)} ${packages.join(', ')}`,
  ];
}

function mixedLines({ warm, mixed, fraud }: MixedFigures, seconds: number): string[] {
  const line = (name: string, run: MixedRun): string[] => [
    `${loadLine(name, run)}, max ${ms(run.max_ms)}, ${whole(run.events_per_second)} of ${run === warm ? 0 : EVENTS_PER_SECOND} events/s written${run.crossed_minute ? '' : ' (no minute began)'}`,
    ...run.hit_rates.map((rate) => `  ${hitLine(rate)}`),
  ];
  return [
    `${MIXED_ROWS} rows, ${seconds} s over the beginning of a minute:`,
    ...line('hot alone', warm),
    ...line('mixed', mixed),
    ...line('fraud-like', fraud),
  ];
}

function hitLine({ counters, hits, misses, rate }: HitRate): string {
  return `${counters} ${(100 * rate).toFixed(1)} % of ${whole(hits + misses)}`;
}

function invalidationLine(figures: InvalidationFigures): string {
  const { servers, keys_per_second, cpu_share, cpu_share_without, cpu_share_beside } = figures;
  const shares = (values: readonly number[]): string => values.map(percent).join(', ');
  return [
    `${'invalidation'.padEnd(NAME_WIDTH)} ${percent(cpu_share)} of a core for each of ${servers} servers at ${whole(KEYS_PER_SECOND)} keys/s`,
    `${''.padEnd(NAME_WIDTH)} (beside ${whole(keys_per_second)} keys/s ${shares(cpu_share_beside)}; without ${shares(cpu_share_without)})`,
  ].join('\n');
}

function loadLine(name: string, figures: LoadFigures): string {
  const { requests_per_second, requests_per_cpu_second, cpu_share, p50_ms, p99_ms, bytes_per_answer } = figures;
  return [
    `${name.padEnd(NAME_WIDTH)} ${whole(requests_per_second).padStart(7)} /s`,
    `${whole(requests_per_cpu_second).padStart(7)} per CPU-second (${percent(cpu_share)})`,
    `p50 ${ms(p50_ms)}, p99 ${ms(p99_ms)}, ${whole(bytes_per_answer)} bytes`,
  ].join(' ');
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en');
}

function ms(value: number): string {
  return `${value.toFixed(2)} ms`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
