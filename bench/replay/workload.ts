/**
 * What `bench:replay` computes: flights of a year, as events and as labels, 30 features of them: 15 of each of two entities, over an
 * hour, a day and a week. Delays are whole minutes, so that every sum is exact however it is made.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';

export const FLIGHTS = 336_776;

/** How many there are of each entity, at 1×; ten times the flights are of ten times as many. */
export interface Workload {
  readonly name: string;
  readonly entities: Readonly<Record<string, number>>;
}

/** Three airports, as New York has, and aircraft: windows of a week hold two thousand events, or two. */
export const FLIGHTS_OF_NEW_YORK: Workload = { name: 'flights', entities: { airport: 3, aircraft: 4_043 } };
/** Aircraft, and flight numbers of airlines: windows of a week hold one or two events. */
export const SPARSE: Workload = { name: 'sparse', entities: { aircraft: 4_043, line: 5_725 } };

const START_MS = Date.UTC(2013, 0, 1);
const SPAN_MS = 365 * 86_400_000;

export const AGGREGATIONS = ['count', 'sum', 'mean', 'min', 'max'] as const;
export const WINDOWS = [
  { length: '1h', lengthMs: 3_600_000, hopMs: 60_000 },
  { length: '24h', lengthMs: 86_400_000, hopMs: 900_000 },
  { length: '7d', lengthMs: 604_800_000, hopMs: 3_600_000 },
] as const;

export function viewsOf({ entities }: Workload): readonly string[] {
  return Object.keys(entities);
}

/** In the order of the service. */
export function featuresOf(workload: Workload): readonly string[] {
  return viewsOf(workload).flatMap((view) =>
    AGGREGATIONS.flatMap((agg) => WINDOWS.map(({ length }) => `${view}_${agg}_${length}`)),
  );
}

function definitionsOf(workload: Workload): string {
  const views = viewsOf(workload);
  const lengths = WINDOWS.map(({ length }) => length).join(', ');
  return `
sources:
  - name: flights
    key: [id]
    event_time: departed
    fields: { id: string, departed: timestamp, ${views.map((view) => `${view}: string`).join(', ')}, delay: double }
entities:
${views.map((view) => `  - { name: ${view}, keys: { ${view}: string } }`).join('\n')}
views:
${views
  .map(
    (view) => `  - name: ${view}_delays
    entity: ${view}
    source: flights
    features:
${AGGREGATIONS.map((agg) => `      - { name: ${view}_${agg}, agg: ${agg}, of: delay, windows: [${lengths}] }`).join('\n')}`,
  )
  .join('\n')}
services:
  - { name: delays, features: [${views.map((view) => `${view}_delays.*`).join(', ')}] }
`;
}

export interface Data {
  readonly workload: Workload;
  readonly folder: string;
  readonly flights: number;
  readonly events: string;
  readonly labels: string;
  readonly definitions: string;
}

/** The same each time. `flights`: so many events, and as many labels. */
export async function makeData(folder: string, workload: Workload, flights: number): Promise<Data> {
  const definitions = join(folder, 'definitions');
  mkdirSync(definitions, { recursive: true });
  writeFileSync(join(definitions, 'bench.yaml'), definitionsOf(workload));
  const [events, labels] = [join(folder, 'events.parquet'), join(folder, 'labels.parquet')];
  const scale = Math.max(1, Math.round(flights / FLIGHTS));
  const draw = (salt: string, count: number): string => `hash(n, '${salt}') % ${count}`;
  const keys = (of: string): string =>
    Object.entries(workload.entities)
      .map(([view, count]) => `printf('${view[0]}%d', ${draw(`${of} ${view}`, count * scale)}) AS ${view}`)
      .join(', ');
  const instance = await DuckDBInstance.create();
  const connection = await instance.connect();
  await connection.run(
    `COPY (SELECT printf('f%d', n) AS id, epoch_ms((${START_MS} + n * ${SPAN_MS} // ${flights} + ${draw('at', 60_000)})::BIGINT) AS departed,
      ${keys('event')}, (${draw('delay', 240)}::BIGINT - 30)::DOUBLE AS delay FROM range(${flights}) AS flight(n))
      TO '${events}' (FORMAT parquet, COMPRESSION zstd)`,
  );
  await connection.run(
    `COPY (SELECT n, epoch_ms((${START_MS} + ${draw('timestamp', SPAN_MS / 1_000)} * 1000)::BIGINT) AS timestamp,
      ${keys('label')} FROM range(${flights}) AS label(n)) TO '${labels}' (FORMAT parquet, COMPRESSION zstd)`,
  );
  instance.closeSync();
  return { workload, folder, flights, events, labels, definitions };
}
