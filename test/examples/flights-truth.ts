/**
 * The vector of the flights example, computed from the raw tables: SQL picks the rows of each window, and their values
 * are aggregated exactly as the oracle does. Nothing here goes through the example's own script, its definitions or src/.
 */
import { DuckDBInstance } from '@duckdb/node-api';
import { aggregate } from '../oracle/aggregate.ts';
import { defaultHopMs, durationMs, floorTo, type ModelFeature, type OracleValue } from '../oracle/model.ts';
import { HOURS_BEHIND_UTC, HOUR_MS, rawTable } from '../oracle/raw-flights.ts';

export interface FlightRequest {
  readonly origin: string;
  readonly dest: string;
  readonly carrier: string;
  readonly tailnum: string;
  readonly scheduled_hour: number;
  readonly distance: number;
}

export type Truth = Readonly<Record<string, OracleValue>>;

function tablesSql(rawDir: string): string {
  const csv = (file: string): string => rawTable(rawDir, file);
  return `
    CREATE TABLE flights AS
      SELECT ${HOUR_MS} + (minute::INT + coalesce(dep_delay::INT, 0)) * 60000 AS departed_ms,
        -- Airports that the table lacks are Puerto Rico's and the Virgin Islands'.
        coalesce(${HOURS_BEHIND_UTC}, 4) AS behind,
        arr_time::INT // 100 * 60 + arr_time::INT % 100 AS clock,
        origin, dest, carrier, tailnum, dep_delay::DOUBLE AS dep_delay, dep_delay IS NULL AS cancelled,
        arr_delay::DOUBLE AS arr_delay, air_time::DOUBLE AS air_time
      FROM ${csv('flights-2013-01.csv.gz')} LEFT JOIN ${csv('airports.csv.gz')} ON faa = dest;
    CREATE TABLE departures AS SELECT departed_ms AS ts, * FROM flights;
    CREATE TABLE arrivals AS
      -- Minutes from the clock at departure to the clock at arrival, both the destination's: 1 to 1440.
      SELECT departed_ms + ((clock - (departed_ms // 60000 - behind * 60) - 1) % 1440 + 1440) % 1440 * 60000 + 60000 AS ts, *
      FROM flights WHERE NOT cancelled AND clock IS NOT NULL;
    CREATE TABLE weather AS
      SELECT ${HOUR_MS} AS ts, origin, temp::DOUBLE AS temp, wind_speed::DOUBLE AS wind_speed,
        wind_gust::DOUBLE AS wind_gust, precip::DOUBLE AS precip, pressure::DOUBLE AS pressure, visib::DOUBLE AS visib
      FROM ${csv('weather-2013-01.csv.gz')};`;
}

/** The function that computes vectors from the tables in `rawDir`. */
export async function openTruth(rawDir: string): Promise<(request: FlightRequest, asOfMs: number) => Promise<Truth>> {
  const connection = await (await DuckDBInstance.create()).connect();
  await connection.run(tablesSql(rawDir));

  return async (request, asOfMs) => {
    /** `length`, or `length/offset/hop`, before `asOfMs`. */
    function range(window: string): string {
      const [length, offset, hop] = window.split('/').map(durationMs) as [number, number?, number?];
      const hopMs = hop ?? defaultHopMs(length);
      const start = floorTo(asOfMs - length - (offset ?? 0), hopMs);
      const end = offset === undefined ? asOfMs : floorTo(asOfMs - offset, hopMs);
      return `ts >= ${start} AND ts < ${end}`;
    }

    /** `feature` of the column over the rows of the window, oldest first. */
    async function over(
      feature: Omit<ModelFeature, 'name'>,
      [table, where]: readonly [string, string],
      column: string,
      window: string,
    ): Promise<OracleValue> {
      const sql = `SELECT ts, ${column} AS value FROM ${table} WHERE ${where} AND ${range(window)} ORDER BY ts`;
      const rows = (await connection.runAndReadAll(sql)).getRowObjectsJS();
      const counted = rows.map((row) => ({ tsMs: Number(row['ts']), value: row['value'] as OracleValue }));
      const present = counted.filter((row) => row.value !== null);
      const result = aggregate({ name: '', ...feature }, present);
      if (result.kind === 'over_limit') throw new RangeError('no feature of the example has a limit');
      return result.kind === 'estimate' ? result.truth : result.value;
    }

    return computeVector(request, over, asOfMs);
  };
}

type Over = (
  feature: Omit<ModelFeature, 'name'>,
  rows: readonly [string, string],
  column: string,
  window: string,
) => Promise<OracleValue>;

async function computeVector(request: FlightRequest, over: Over, asOfMs: number): Promise<Truth> {
  const { origin, dest, carrier, tailnum } = request;
  const at = ['departures', `origin = '${origin}'`] as const;
  const by = ['departures', `carrier = '${carrier}'`] as const;
  const aircraft = ['departures', `tailnum = '${tailnum}' AND NOT cancelled`] as const;
  const landed = ['arrivals', `tailnum = '${tailnum}'`] as const;
  const route = ['departures', `origin = '${origin}' AND dest = '${dest}'`] as const;
  const flown = ['arrivals', route[1]] as const;
  const into = ['arrivals', `dest = '${dest}'`] as const;
  const sky = ['weather', `origin = '${origin}'`] as const;

  const count = { agg: 'count' };
  const [mean, last, max] = [{ agg: 'mean' }, { agg: 'last' }, { agg: 'max' }];
  const only = (rows: readonly [string, string], condition: string) =>
    [rows[0], `${rows[1]} AND ${condition}`] as const;
  const departedOnly = (rows: readonly [string, string]) => only(rows, 'NOT cancelled');
  const late = (rows: readonly [string, string]) => only(rows, 'dep_delay > 15');
  const sinceMs = async (rows: readonly [string, string]): Promise<number | null> => {
    const newest = await over(last, rows, 'ts::DOUBLE', '24h');
    return newest === null ? null : asOfMs - Number(newest);
  };
  const flight = "{ 'origin': origin, 'dest': dest, 'delay': dep_delay }";

  const features = {
    departures_1h: await over(count, departedOnly(at), '1', '1h'),
    departures_3h: await over(count, departedOnly(at), '1', '3h'),
    departures_24h: await over(count, departedOnly(at), '1', '24h'),
    cancellations_24h: await over(count, only(at, 'cancelled'), '1', '24h'),
    delay_mean_1h: await over(mean, at, 'dep_delay', '1h'),
    delay_mean_3h: await over(mean, at, 'dep_delay', '3h'),
    delay_mean_24h: await over(mean, at, 'dep_delay', '24h'),
    delay_mean_7d: await over(mean, at, 'dep_delay', '7d'),
    delay_stddev_24h: await over({ agg: 'stddev' }, at, 'dep_delay', '24h'),
    delay_p90_24h: await over({ agg: 'quantile', q: 0.9 }, at, 'dep_delay', '24h'),
    delay_max_3h: await over(max, at, 'dep_delay', '3h'),
    late_3h: await over(count, late(at), '1', '3h'),
    late_24h: await over(count, late(at), '1', '24h'),
    delay_mean_same_time_1h_ago_7d: await over(mean, at, 'dep_delay', '1h/7d/1h'),
    carriers_24h: await over({ agg: 'top_k', k: 3 }, at, 'carrier', '24h'),
    carrier_departures_24h: await over(count, departedOnly(by), '1', '24h'),
    carrier_cancellations_24h: await over(count, only(by, 'cancelled'), '1', '24h'),
    carrier_delay_mean_3h: await over(mean, by, 'dep_delay', '3h'),
    carrier_delay_mean_24h: await over(mean, by, 'dep_delay', '24h'),
    carrier_delay_mean_7d: await over(mean, by, 'dep_delay', '7d'),
    carrier_late_24h: await over(count, late(by), '1', '24h'),
    aircraft_departures_24h: await over(count, aircraft, '1', '24h'),
    aircraft_departures_7d: await over(count, aircraft, '1', '7d'),
    aircraft_last_delay_24h: await over(last, aircraft, 'dep_delay', '24h'),
    aircraft_delay_mean_7d: await over(mean, aircraft, 'dep_delay', '7d'),
    aircraft_since_departure_ms_24h: await sinceMs(aircraft),
    aircraft_destinations_7d: await over({ agg: 'count_distinct' }, aircraft, 'dest', '7d'),
    aircraft_recent_7d: await over({ agg: 'last_n', n: 3 }, aircraft, flight, '7d'),
    aircraft_last_arrival_delay_24h: await over(last, landed, 'arr_delay', '24h'),
    aircraft_last_arrived_at_24h: await over(last, landed, 'dest', '24h'),
    aircraft_since_arrival_ms_24h: await sinceMs(landed),
    route_departures_24h: await over(count, departedOnly(route), '1', '24h'),
    route_departures_7d: await over(count, departedOnly(route), '1', '7d'),
    route_delay_mean_24h: await over(mean, route, 'dep_delay', '24h'),
    route_delay_mean_7d: await over(mean, route, 'dep_delay', '7d'),
    route_arrival_delay_mean_7d: await over(mean, flown, 'arr_delay', '7d'),
    route_air_time_mean_7d: await over(mean, flown, 'air_time', '7d'),
    dest_arrivals_3h: await over(count, into, '1', '3h'),
    dest_arrivals_24h: await over(count, into, '1', '24h'),
    dest_arrival_delay_mean_3h: await over(mean, into, 'arr_delay', '3h'),
    dest_arrival_delay_mean_24h: await over(mean, into, 'arr_delay', '24h'),
    temperature_6h: await over(last, sky, 'temp', '6h'),
    wind_speed_6h: await over(last, sky, 'wind_speed', '6h'),
    visibility_6h: await over(last, sky, 'visib', '6h'),
    gust_max_6h: await over(max, sky, 'wind_gust', '6h'),
    precipitation_6h: await over({ agg: 'sum' }, sky, 'precip', '6h'),
    precipitation_24h: await over({ agg: 'sum' }, sky, 'precip', '24h'),
    pressure_mean_24h: await over(mean, sky, 'pressure', '24h'),
  };
  return { ...features, ...derive(features, request) };
}

function derive(of: Truth, { dest, scheduled_hour: hour, distance }: FlightRequest): Truth {
  const value = (name: string): number | null => of[name] as number | null;
  function ratio(top: number | null, bottom: number | null): number | null {
    return top === null || bottom === null || bottom === 0 ? null : top / bottom;
  }
  const lastAt = of['aircraft_last_arrived_at_24h'] as string | null;
  const cancelled = Number(of['cancellations_24h']);
  const [carrierMean, airportMean] = [value('carrier_delay_mean_24h'), value('delay_mean_24h')];
  const wind = value('gust_max_6h') ?? value('wind_speed_6h') ?? 0;
  return {
    delay_trend: ratio(value('delay_mean_1h'), value('delay_mean_7d')),
    late_share_3h: ratio(value('late_3h'), value('departures_3h')),
    cancelled_share_24h: ratio(cancelled, cancelled + Number(of['departures_24h'])),
    carrier_against_airport: carrierMean === null || airportMean === null ? null : carrierMean - airportMean,
    aircraft_repeats_route: lastAt === null ? null : lastAt === dest,
    aircraft_ground_minutes: ratio(value('aircraft_since_arrival_ms_24h'), 60_000),
    expected_speed: ratio(distance, value('route_air_time_mean_7d')),
    evening_rush: hour >= 16 && hour <= 20,
    rough_weather: wind > 30 || (value('visibility_6h') ?? 10) < 3,
  };
}
