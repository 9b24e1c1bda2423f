/**
 * What `bench:replay` computes: flights of a year, as events and as labels, 30 features of them: 15 of an aircraft and 15 of a
 * line, over an hour, a day and a week. Delays are whole minutes, so that every sum is exact however it is made.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';

export const FLIGHTS = 336_776;
/** At 1×; ten times the flights are of ten times as many. */
const ENTITIES = { aircraft: 4_043, line: 5_725 } as const;
const START_MS = Date.UTC(2013, 0, 1);
const SPAN_MS = 365 * 86_400_000;

export const VIEWS = ['aircraft', 'line'] as const;
export const AGGREGATIONS = ['count', 'sum', 'mean', 'min', 'max'] as const;
export const WINDOWS = [
  { length: '1h', lengthMs: 3_600_000, hopMs: 60_000 },
  { length: '24h', lengthMs: 86_400_000, hopMs: 900_000 },
  { length: '7d', lengthMs: 604_800_000, hopMs: 3_600_000 },
] as const;

/** In the order of the service. */
export const FEATURES = VIEWS.flatMap((view) =>
  AGGREGATIONS.flatMap((agg) => WINDOWS.map(({ length }) => `${view}_${agg}_${length}`)),
);

const DEFINITIONS = `
sources:
  - name: flights
    key: [id]
    event_time: departed
    fields: { id: string, departed: timestamp, aircraft: string, line: string, delay: double }
entities:
${VIEWS.map((view) => `  - { name: ${view}, keys: { ${view}: string } }`).join('\n')}
views:
${VIEWS.map(
  (view) => `  - name: ${view}_delays
    entity: ${view}
    source: flights
    features:
${AGGREGATIONS.map((agg) => `      - { name: ${view}_${agg}, agg: ${agg}, of: delay, windows: [${WINDOWS.map(({ length }) => length).join(', ')}] }`).join('\n')}`,
).join('\n')}
services:
  - { name: delays, features: [${VIEWS.map((view) => `${view}_delays.*`).join(', ')}] }
`;

export interface Data {
  readonly folder: string;
  readonly flights: number;
  readonly events: string;
  readonly labels: string;
  readonly definitions: string;
}

/** The same each time. `flights`: so many events, and as many labels. */
export async function makeData(folder: string, flights: number): Promise<Data> {
  const definitions = join(folder, 'definitions');
  mkdirSync(definitions, { recursive: true });
  writeFileSync(join(definitions, 'bench.yaml'), DEFINITIONS);
  const [events, labels] = [join(folder, 'events.parquet'), join(folder, 'labels.parquet')];
  const scale = Math.max(1, Math.round(flights / FLIGHTS));
  const draw = (salt: string, count: number): string => `hash(n, '${salt}') % ${count}`;
  const keys = (of: string): string =>
    `printf('N%d', ${draw(`${of} aircraft`, ENTITIES.aircraft * scale)}) AS aircraft,
      printf('L%d', ${draw(`${of} line`, ENTITIES.line * scale)}) AS line`;
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
  return { folder, flights, events, labels, definitions };
}
