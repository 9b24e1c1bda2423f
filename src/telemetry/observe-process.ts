/** The process as the system and Node see it. */
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import type { Meter } from '@opentelemetry/api';
import type { Cell, Histograms } from './histogram.ts';
import { counter, DURATION_BUCKETS, gauge } from './instruments.ts';

const NANOSECONDS = 1e9;
const DELAY_RESOLUTION_MS = 10;
const DELAY_EVERY_MS = 1_000;

export interface BuildFacts {
  readonly version: string;
  readonly role: string;
}

/** Answers what ends it. */
export function observeProcess(meter: Meter, histograms: Histograms, { version, role }: BuildFacts): () => void {
  gauge(meter, 'skewless_info', 'Always 1; what runs is in its labels.', () => [
    [1, { version, role, node: process.versions.node }],
  ]);
  gauge(meter, 'skewless_process_resident_memory_bytes', 'Memory of the process.', () => [
    [process.memoryUsage.rss(), {}],
  ]);
  gauge(meter, 'skewless_process_heap_bytes', 'JavaScript heap in use.', () => [[process.memoryUsage().heapUsed, {}]]);
  gauge(meter, 'skewless_process_external_bytes', 'Memory of buffers outside the heap.', () => [
    [process.memoryUsage().external, {}],
  ]);
  counter(meter, 'skewless_process_cpu_seconds', 'Time on a processor.', () => {
    const { user, system } = process.cpuUsage();
    return [
      [user / 1e6, { mode: 'user' }],
      [system / 1e6, { mode: 'system' }],
    ];
  });
  counter(meter, 'skewless_event_loop_seconds', 'Time the event loop worked, and waited.', () => {
    const { active, idle } = performance.eventLoopUtilization();
    return [
      [active / 1e3, { state: 'active' }],
      [idle / 1e3, { state: 'idle' }],
    ];
  });
  return observeDelay(
    histograms.create({
      name: 'skewless_event_loop_delay_seconds',
      description: 'The longest delay of the event loop in each second.',
      unit: 's',
      boundaries: DURATION_BUCKETS,
    })({}),
  );
}

/**
 * Node's histogram of delays can be asked for percentiles since its start or since a reset, and a reset would take from
 * one reader what another has not seen. A histogram of each second's longest delay is right for all of them.
 */
function observeDelay(record: Cell): () => void {
  const delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
  delay.enable();
  const timer = setInterval(() => {
    record(longestSeconds(delay));
    delay.reset();
  }, DELAY_EVERY_MS).unref();
  return () => {
    clearInterval(timer);
    delay.disable();
  };
}

/** The timer's own interval counts as no delay. */
function longestSeconds(delay: { readonly count: number; readonly max: number }): number {
  return delay.count === 0 ? 0 : Math.max(0, delay.max / NANOSECONDS - DELAY_RESOLUTION_MS / 1e3);
}
