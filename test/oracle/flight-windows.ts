/**
 * Windows over the tables of the flights example in pure SQL: rows of both kinds, events and labels, in one order by time,
 * and a frame for each window of each label. Integers are summed as integers; doubles as integers of 2^-64, which hold them
 * exactly. What is left to round comes out as a fraction.
 */
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { defaultHopMs, durationMs } from './model.ts';
import { roundRatio } from './rational.ts';
import { HOURS_BEHIND_UTC, HOUR_MS, rawTable } from './raw-flights.ts';

export interface WindowFeature {
  readonly name: string;
  readonly agg: 'count' | 'sum' | 'mean' | 'min' | 'max' | 'last';
  /** Integers in every row, or numbers that are not. */
  readonly numbers?: 'integers' | 'doubles';
  /** SQL over the columns of the table; none: events are counted. */
  readonly of?: string;
  readonly where?: string;
  /** `length`, `length/offset`, `length/offset/hop` or `lifetime`. */
  readonly window: string;
}

export interface WindowView {
  readonly table: 'departures' | 'arrivals' | 'weather';
  /** SQL over the table's columns: which entity's an event is. */
  readonly key: string;
  /** SQL over a label's columns: which entity it asks about. */
  readonly asks: string;
  readonly where?: string;
  readonly features: readonly WindowFeature[];
}

export type WindowValue = number | string | null;

/** Exponent of the parts that doubles are counted in: the least of them that the tables have are multiples of it. */
const PART_EXPONENT = -64;
/** `place` is what breaks ties of time within a table. */
function tablesSql(rawDir: string): string {
  const csv = (file: string): string => rawTable(rawDir, file);
  return `
    CREATE TABLE departures AS
      SELECT ${HOUR_MS} + (minute::INT + coalesce(dep_delay::INT, 0)) * 60000 AS ts,
        format('{}-{:02d}-{:02d}/{}{}/{}', year, month::INT, day::INT, carrier, flight, origin) AS place,
        -- Airports that the table lacks are Puerto Rico's and the Virgin Islands'.
        coalesce(${HOURS_BEHIND_UTC}, 4) AS behind, arr_time::INT // 100 * 60 + arr_time::INT % 100 AS clock,
        origin, dest, carrier, tailnum, dep_delay::INT AS dep_delay, dep_delay IS NULL AS cancelled,
        distance::INT AS distance, arr_delay::INT AS arr_delay, air_time::INT AS air_time
      FROM ${csv('flights-2013-01.csv.gz')} LEFT JOIN ${csv('airports.csv.gz')} ON faa = dest;
    CREATE TABLE arrivals AS
      -- Minutes from the clock at departure to the clock at arrival, both the destination's: 1 to 1440.
      SELECT * REPLACE (ts + ((clock - (ts // 60000 - behind * 60) - 1) % 1440 + 1440) % 1440 * 60000 + 60000 AS ts)
      FROM departures WHERE NOT cancelled AND clock IS NOT NULL;
    CREATE TABLE weather AS
      SELECT ${HOUR_MS} AS ts, origin AS place, origin, temp::DOUBLE AS temp, precip::DOUBLE AS precip
      FROM ${csv('weather-2013-01.csv.gz')};
    CREATE TABLE labels AS
      SELECT row_number() OVER (ORDER BY ts, place) - 1 AS label, ts, origin, dest, carrier, tailnum AS tail FROM departures;`;
}

export interface FlightWindows {
  /** One row for each flight, in order of departure: JSON lines at `path`. */
  writeLabels(path: string): Promise<number>;
  /** A view's features of each label, in the same order: by name, a value for each. */
  compute(view: WindowView): Promise<ReadonlyMap<string, readonly WindowValue[]>>;
  close(): void;
}

export async function openFlightWindows(rawDir: string): Promise<FlightWindows> {
  const instance = await DuckDBInstance.create();
  const connection = await instance.connect();
  await connection.run(tablesSql(rawDir));
  return {
    async writeLabels(path) {
      await connection.run(
        `COPY (SELECT ts AS timestamp, origin, dest, carrier, tail FROM labels ORDER BY label)
          TO '${path}' (FORMAT json)`,
      );
      const counted = await connection.runAndReadAll('SELECT count(*) FROM labels');
      return Number(counted.getRows()[0]?.[0]);
    },
    compute: (view) => compute(connection, view),
    close: () => instance.closeSync(),
  };
}

/** First and last ms of a window, as SQL over `ts`, the time of the label. */
function edgesOf(window: string): readonly [string | null, string] {
  if (window === 'lifetime') return [null, 'ts - 1'];
  const [length = 0, offset, hop = defaultHopMs(length)] = window.split('/').map(durationMs);
  if (offset === undefined) return [`(ts - ${length}) // ${hop} * ${hop}`, 'ts - 1'];
  return [`(ts - ${length + offset}) // ${hop} * ${hop}`, `(ts - ${offset}) // ${hop} * ${hop} - 1`];
}

function frame([from, to]: readonly [string | null, string]): string {
  // A frame's bounds are distances from the row's own time.
  const start = from === null ? 'UNBOUNDED PRECEDING' : `ts - (${from}) PRECEDING`;
  return `OVER (PARTITION BY entity ORDER BY ts RANGE BETWEEN ${start} AND ts - (${to}) PRECEDING)`;
}

/** Numerator and denominator, or a value and nothing. */
function fractionOf({ agg, of = '1', numbers }: WindowFeature, condition: string, over: string): [string, string] {
  const filter = `FILTER (is_event AND ${condition} AND (${of}) IS NOT NULL) ${over}`;
  const exact = numbers === 'doubles' ? `((${of}) * pow(2, ${-PART_EXPONENT}))::HUGEINT` : `(${of})::HUGEINT`;
  const rows = `count(*) ${filter}`;
  switch (agg) {
    case 'count':
      return [rows, 'NULL'];
    case 'sum':
      return [`coalesce(sum(${exact}) ${filter}, 0)`, '1'];
    case 'mean':
      return [`sum(${exact}) ${filter}`, rows];
    case 'min':
    case 'max':
      return [`${agg}(${of}) ${filter}`, 'NULL'];
    case 'last':
      // Within a frame there is no order but that of time: ties need the place.
      return [`arg_max(${of}, place_number) ${filter}`, 'NULL'];
  }
}

async function compute(
  connection: DuckDBConnection,
  { table, key, asks, where = 'true', features }: WindowView,
): Promise<ReadonlyMap<string, readonly WindowValue[]>> {
  const reaches = features.map(({ window }) => edgesOf(window)[0]);
  const reach = reaches.includes(null) ? null : `least(${reaches.join(', ')})`;
  const columns = features.flatMap((feature, index) => {
    const over = frame(edgesOf(feature.window));
    const [top, bottom] = fractionOf(feature, feature.where ?? 'true', over);
    return [`${top} AS top_${index}`, `${bottom} AS bottom_${index}`];
  });
  const result = await connection.runAndReadAll(`
    WITH events AS (
      SELECT *, row_number() OVER (ORDER BY ts, place) AS place_number FROM ${table} WHERE ${where}
    ), moments AS (
      SELECT true AS is_event, (${key})::VARCHAR AS entity, NULL::BIGINT AS label, * FROM events
      UNION ALL BY NAME
      SELECT false AS is_event, (${asks})::VARCHAR AS entity, label, ts FROM labels
    ), computed AS (
      SELECT is_event, entity, label, count(*) FILTER (is_event) ${frame([reach, 'ts - 1'])} AS known, ${columns.join(', ')}
      FROM moments
    )
    SELECT entity IS NOT NULL AND known > 0, ${features.map((_feature, index) => `top_${index}, bottom_${index}`).join(', ')}
      FROM computed WHERE NOT is_event ORDER BY label`);
  const [known = [], ...parts] = result.getColumns();
  return new Map(
    features.map(({ name, numbers }, index) => {
      const [tops = [], bottoms = []] = [parts[2 * index], parts[2 * index + 1]];
      const exponent = numbers === 'doubles' ? PART_EXPONENT : 0;
      return [name, tops.map((top, row) => (known[row] === true ? valueOf(top, bottoms[row], exponent) : null))];
    }),
  );
}

function valueOf(top: unknown, bottom: unknown, exponent: number): WindowValue {
  if (top === null || typeof top === 'string') return top;
  if (typeof bottom === 'bigint') return roundRatio(top as bigint, bottom, exponent);
  if (bottom === 1) return roundRatio(top as bigint, 1n, exponent);
  return Number(top);
}
