/** The figures, each with its target where it has one. */
import { type Target, atLeast, atMost, targetLine } from '../target.ts';
import { type MemoryFigures, LONGER } from './memory.ts';
import { STEADY_EVENTS_PER_SECOND, type ServingFigures } from './serving.ts';
import type { Rates, ThroughputFigures } from './throughput.ts';
import { AGGREGATIONS_KEPT, ENTITIES, PARTITIONS } from './workload.ts';

export interface Report {
  readonly events: number;
  readonly rounds: number;
  readonly throughput: ThroughputFigures;
  readonly two_processes_over_one: number;
  readonly serving: ServingFigures;
  readonly memory: MemoryFigures;
  /** Ratios to raw reading, and of memory. */
  readonly targets: readonly Target[];
}

const KEYED_RATIO_MIN = 0.25;
const REPARTITIONED_RATIO_MIN = 0.12;
const NAME_WIDTH = 31;
/** What garbage is left at the peak depends on when it is collected. */
const MEMORY_RATIO_MAX = 1.25;

export function createReport(
  { events, rounds }: { readonly events: number; readonly rounds: number },
  throughput: ThroughputFigures,
  serving: ServingFigures,
  memory: MemoryFigures,
): Report {
  const { raw, keyed, repartitioned } = throughput;
  const growth = memory.longer_rss_peak_mib / memory.rss_peak_mib;
  return {
    events,
    rounds,
    throughput,
    two_processes_over_one: throughput.two_processes_events_per_second / keyed.events_per_second,
    serving,
    memory,
    targets: [
      atLeast('keyed_per_second', perSecond(keyed, raw), KEYED_RATIO_MIN),
      atLeast('keyed_per_cpu_second', perCpuSecond(keyed, raw), KEYED_RATIO_MIN),
      atLeast('repartitioned_per_second', perSecond(repartitioned, raw), REPARTITIONED_RATIO_MIN),
      atLeast('repartitioned_per_cpu_second', perCpuSecond(repartitioned, raw), REPARTITIONED_RATIO_MIN),
      atMost('memory_growth', growth, MEMORY_RATIO_MAX),
    ],
  };
}

function perSecond(ours: Rates, raw: Rates): number {
  return ours.events_per_second / raw.events_per_second;
}

function perCpuSecond(ours: Rates, raw: Rates): number {
  return ours.events_per_cpu_second / raw.events_per_cpu_second;
}

export function formatReport(report: Report): string {
  const { throughput, serving, memory } = report;
  const { raw, keyed, repartitioned, states } = throughput;
  const rates = (name: string, { events_per_second, events_per_cpu_second }: Rates): string =>
    `${name.padEnd(NAME_WIDTH)} ${whole(events_per_second).padStart(9)} /s ${whole(events_per_cpu_second).padStart(9)} per CPU-second`;
  return [
    `${whole(report.events)} events, ${whole(ENTITIES)} entities (Zipf 1.0), ${PARTITIONS} partitions, ${AGGREGATIONS_KEPT} aggregations, medians of ${report.rounds} rounds`,
    rates('reading and JSON.parse alone', raw),
    rates('to Redis, keyed by the entity', keyed),
    rates('to Redis, through a repartition', repartitioned),
    '',
    ...report.targets.map((target) => targetLine(target, NAME_WIDTH)),
    '',
    `two processes ÷ one             ${report.two_processes_over_one.toFixed(2)}`,
    `events per commit               ${throughput.events_per_commit.toFixed(0)}`,
    `Redis bytes per entity          p50 ${states.bytes_p50}, p99 ${states.bytes_p99}, max ${states.bytes_max}`,
    `produce to served               p50 ${serving.p50_ms.toFixed(0)} ms, p99 ${serving.p99_ms.toFixed(0)} ms (${whole(serving.sent_events_per_second)} of ${whole(STEADY_EVENTS_PER_SECOND)} events/s sent, ${serving.marks} marks)`,
    `a reader's GET, p99             alone ${ms(memory.reader_alone.p99_ms)}, beside ${whole(STEADY_EVENTS_PER_SECOND)} events/s ${ms(serving.reader.p99_ms)}, beside ingest at full speed ${ms(memory.reader.p99_ms)}`,
    `peak memory                     ${whole(memory.rss_peak_mib)} MiB, ${whole(memory.longer_rss_peak_mib)} MiB for ${LONGER} times the events`,
  ].join('\n');
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en');
}

function ms(value: number): string {
  return `${value.toFixed(2)} ms`;
}
