/**
 * Turns the raw tables of `raw/` into the three event sources of this example, as compressed JSON lines in `data/`:
 * departures (cancelled flights too, at their scheduled time), arrivals, and weather observations, each in order of
 * event time. Run it with `node examples/flights/prepare.ts`; it prints what it wrote.
 *
 * Times: `time_hour` and `minute` give the scheduled departure in UTC, and the delay in minutes the actual one. `arr_time`
 * is a local clock reading at the destination (its zone is in airports.csv), at most a day after departure. Read so, no
 * flight of the month is shorter than its air time plus 7 minutes or longer than its air time plus 156 minutes.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { localClockToUtcMs } from './local-time.ts';

type Row = Record<string, string | null>;
type Event = Record<string, string | number | boolean | null>;

/** Destinations of the month that airports.csv lacks. Puerto Rico and the Virgin Islands keep UTC−4 all year. */
const ZONES_NOT_LISTED: Readonly<Record<string, string>> = {
  BQN: 'America/Puerto_Rico',
  PSE: 'America/Puerto_Rico',
  SJU: 'America/Puerto_Rico',
  STT: 'America/St_Thomas',
};
const MINUTE_MS = 60_000;

export interface PreparedEvents {
  readonly departures: readonly Event[];
  readonly arrivals: readonly Event[];
  readonly weather: readonly Event[];
}

/** Reads `flights-2013-01.csv.gz`, `airports.csv.gz` and `weather-2013-01.csv.gz` from `rawDir`. */
export async function prepareEvents(rawDir: string): Promise<PreparedEvents> {
  const instance = await DuckDBInstance.create();
  const connection = await instance.connect();
  const read = async (file: string, columns: string): Promise<Row[]> => {
    const path = join(rawDir, file).replaceAll("'", "''");
    const sql = `SELECT ${columns} FROM read_csv('${path}', all_varchar = true, nullstr = 'NA')`;
    return (await connection.runAndReadAll(sql)).getRowObjects() as Row[];
  };
  const zones = new Map<string, string>(Object.entries(ZONES_NOT_LISTED));
  for (const row of await read('airports.csv.gz', 'faa, tzone')) {
    if (row['tzone']) zones.set(text(row, 'faa'), row['tzone']);
  }
  const flights = await read('flights-2013-01.csv.gz', '*');
  const weather = await read('weather-2013-01.csv.gz', '*');
  connection.closeSync();
  instance.closeSync();
  return {
    departures: inOrder(flights.map(departureOf), 'departed_at', 'flight_id'),
    arrivals: inOrder(
      flights.flatMap((row) => arrivalOf(row, zones)),
      'arrived_at',
      'flight_id',
    ),
    weather: inOrder(weather.map(observationOf), 'observed_at', 'origin'),
  };
}

function scheduledMs(row: Row): number {
  return Date.parse(text(row, 'time_hour')) + number(row, 'minute') * MINUTE_MS;
}

function flightIdOf(row: Row): string {
  const date = [text(row, 'year'), text(row, 'month').padStart(2, '0'), text(row, 'day').padStart(2, '0')].join('-');
  return `${date}/${text(row, 'carrier')}${text(row, 'flight')}/${text(row, 'origin')}`;
}

function departureOf(row: Row): Event {
  const delay = optionalNumber(row, 'dep_delay');
  return {
    flight_id: flightIdOf(row),
    departed_at: iso(scheduledMs(row) + (delay ?? 0) * MINUTE_MS),
    scheduled_at: iso(scheduledMs(row)),
    origin: text(row, 'origin'),
    dest: text(row, 'dest'),
    carrier: text(row, 'carrier'),
    flight: number(row, 'flight'),
    tailnum: row['tailnum'] ?? null,
    dep_delay: delay,
    distance: number(row, 'distance'),
    cancelled: delay === null,
  };
}

/** None for a flight that was cancelled, or that was diverted and has no arrival time. */
function arrivalOf(row: Row, zones: ReadonlyMap<string, string>): Event[] {
  const delay = optionalNumber(row, 'dep_delay');
  const clock = optionalNumber(row, 'arr_time');
  if (delay === null || clock === null) return [];
  const zone = zones.get(text(row, 'dest'));
  if (zone === undefined) throw new Error(`no time zone is known for ${text(row, 'dest')}`);
  const departedMs = scheduledMs(row) + delay * MINUTE_MS;
  return [
    {
      flight_id: flightIdOf(row),
      arrived_at: iso(localClockToUtcMs(clock, zone, departedMs)),
      departed_at: iso(departedMs),
      origin: text(row, 'origin'),
      dest: text(row, 'dest'),
      carrier: text(row, 'carrier'),
      tailnum: row['tailnum'] ?? null,
      arr_delay: optionalNumber(row, 'arr_delay'),
      air_time: optionalNumber(row, 'air_time'),
    },
  ];
}

function observationOf(row: Row): Event {
  const measures = [
    'temp',
    'dewp',
    'humid',
    'wind_dir',
    'wind_speed',
    'wind_gust',
    'precip',
    'pressure',
    'visib',
  ] as const;
  return {
    observed_at: iso(Date.parse(text(row, 'time_hour'))),
    origin: text(row, 'origin'),
    ...Object.fromEntries(measures.map((measure) => [measure, optionalNumber(row, measure)])),
  };
}

function inOrder(events: Event[], time: string, tieBreak: string): Event[] {
  const place = (event: Event): string => `${event[time]} ${event[tieBreak]}`;
  return events.toSorted((a, b) => (place(a) < place(b) ? -1 : Number(place(a) > place(b))));
}

function text(row: Row, column: string): string {
  const value = row[column];
  if (value === null || value === undefined) throw new Error(`${column} is missing in ${JSON.stringify(row)}`);
  return value;
}

function optionalNumber(row: Row, column: string): number | null {
  const value = row[column];
  return value === null || value === undefined ? null : Number(value);
}

function number(row: Row, column: string): number {
  return Number(text(row, column));
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/** One JSON object a line. */
export function toJsonLines(events: readonly Event[]): string {
  return events.map((event) => `${JSON.stringify(event)}\n`).join('');
}

if (import.meta.main) {
  const prepared = await prepareEvents(join(import.meta.dirname, 'raw'));
  for (const [source, events] of Object.entries(prepared)) {
    const compressed = gzipSync(toJsonLines(events), { level: 9 });
    writeFileSync(join(import.meta.dirname, 'data', `${source}.jsonl.gz`), compressed);
    process.stdout.write(`${source}: ${events.length} events, ${compressed.length} bytes\n`);
  }
}
