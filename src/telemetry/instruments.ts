/** What is read when metrics are asked for, and between two scrapes costs nothing. */
import type { Attributes, Meter } from '@opentelemetry/api';

export type Observation = readonly [value: number, labels: Attributes];
export type Observations = readonly Observation[];

/** Upper bounds of buckets for what takes time, s; from 0.1 ms. */
export const DURATION_BUCKETS: readonly number[] = [
  0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5,
];

/** A name that ends in `_seconds` or `_bytes` has that unit. */
function unitOf(name: string): string {
  if (name.endsWith('_seconds')) return 's';
  return name.endsWith('_bytes') ? 'By' : '';
}

export function gauge(
  meter: Meter,
  name: string,
  description: string,
  read: () => Observations | Promise<Observations>,
): void {
  meter.createObservableGauge(name, { description, unit: unitOf(name) }).addCallback(async (result) => {
    for (const [value, labels] of await read()) result.observe(value, labels);
  });
}

/** Named without `_total`, which the text form adds. */
export function counter(meter: Meter, name: string, description: string, read: () => Observations): void {
  meter.createObservableCounter(name, { description, unit: unitOf(name) }).addCallback((result) => {
    for (const [value, labels] of read()) result.observe(value, labels);
  });
}
