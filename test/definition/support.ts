/** Loading for tests: definitions that must be good, or problems in short. */
import { AGGREGATIONS } from '../../src/aggregate/table.ts';
import type { Definitions, ServiceDefinition, ViewDefinition } from '../../src/definition/definition.ts';
import { loadDefinitions } from '../../src/definition/load.ts';
import type { LoadResult } from '../../src/definition/load.ts';
import { formatProblem } from '../../src/definition/problem.ts';

export const EXAMPLE = `
sources:
  - name: flights
    topic: flights                       # a Kafka topic; the embedded log uses the same name
    format: json                         # json | avro (registry); mode: append | upsert; envelope: debezium
    key: { fields: [flight_id], encoding: string }   # the record key's bytes
    partitioner: murmur2
    event_time: departed_at
    max_disorder: 2h
    clock: watermark
    fields:
      departed_at: timestamp
      origin: string
      carrier: string
      tailnum: string?
      dep_delay: { type: double, nullable: true, path: after.dep_delay }
    derive: { hour_of_week: "hour_of_week(departed_at, 'America/New_York')" }
entities:
  - { name: airport, keys: { origin: string } }
views:
  - name: airport_delay
    entity: airport
    source: flights
    where: "dep_delay IS NOT NULL"
    max_age: 2d
    history: 10m
    features:
      - { name: departures, agg: count, windows: [1h, 24h, { length: 24h, offset: 7d }] }
      - { name: late, agg: count, where: "dep_delay > 15", windows: [24h] }
      - { name: delay_mean, agg: mean, of: dep_delay, windows: [1h, 24h, 7d] }
      - { name: recent, agg: last_n, n: 20, of: { carrier: carrier, at: departed_at } }
services:
  - name: departure_delay
    owner: ops-ml
    inputs: { dest: string, scheduled_hour: int }
    features:
      - airport_delay.*
      - { view: airport_delay, keys: { origin: dest }, prefix: dest_ }
    derived:
      - { name: delay_ratio, expr: "delay_mean_1h / delay_mean_7d" }
`;

/** Files are named `1.yaml`, `2.yaml`, … */
export function tryLoad(...texts: readonly string[]): LoadResult {
  return loadDefinitions(
    texts.map((text, index) => ({ path: `${index + 1}.yaml`, text })),
    AGGREGATIONS,
  );
}

export function load(...texts: readonly string[]): Definitions {
  const result = tryLoad(...texts);
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'));
  return result.definitions;
}

export function onlyView(definitions: Definitions): ViewDefinition {
  return [...definitions.views.values()][0] as ViewDefinition;
}

export function onlyService(definitions: Definitions): ServiceDefinition {
  return [...definitions.services.values()][0] as ServiceDefinition;
}
