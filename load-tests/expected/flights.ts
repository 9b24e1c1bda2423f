/**
 * `node load-tests/expected/flights.ts` writes flights.json: vectors of the bundled flights as SQL over the raw tables gives
 * them, by the same way as test/examples checks the engine. What the load tests hold a served vector against is thus
 * never an answer of the product.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type FlightRequest, openTruth } from '../../test/examples/flights-truth.ts';

const EXAMPLE = join(import.meta.dirname, '../../examples/flights');
const FILE = join(import.meta.dirname, 'flights.json');
/** In the last two days of the month, which the example's `history` keeps exact. */
const AS_OFS = ['2013-01-31T17:00:00.000Z', '2013-01-31T22:41:37.219Z'];
const VECTORS_PER_AS_OF = 16;
const CANDIDATES = 40;
/**
 * Over the longest window of each view. The tables say 0 also of an entity that no view knows, of which the product says
 * NOT_FOUND: another test's business.
 */
const KNOWN_BY = ['carrier_departures_24h', 'aircraft_departures_7d', 'route_departures_7d', 'dest_arrivals_24h'];
/** Served within 1 % of the value of its rank; all else to the last bit. */
const ESTIMATES = ['delay_p90_24h'];

/** Texts of JSON where they are values, so that a file of the same vectors is the same text. */
export async function flightsJson(): Promise<string> {
  const truth = await openTruth(join(EXAMPLE, 'raw'));
  const vectors: { as_of: string; entity: FlightRequest; values: unknown[] }[] = [];
  let features: readonly string[] = [];
  for (const asOf of AS_OFS) {
    let known = 0;
    for (const entity of flightsAfter(asOf)) {
      if (known === VECTORS_PER_AS_OF) break;
      const values = await truth(entity, Date.parse(asOf));
      if (KNOWN_BY.some((name) => values[name] === 0)) continue;
      known += 1;
      features = Object.keys(values);
      vectors.push({ as_of: asOf, entity, values: Object.values(values) });
    }
    if (known < VECTORS_PER_AS_OF) throw new Error(`only ${known} flights after ${asOf} are of known entities`);
  }
  const lines = vectors.map((vector) => `    ${JSON.stringify(vector)}`);
  return `{
  "estimates": ${JSON.stringify(ESTIMATES)},
  "features": ${JSON.stringify(features)},
  "vectors": [
${lines.join(',\n')}
  ]
}
`;
}

/** Every so many of the flights that have not left at `asOf`: what a model would be asked about then. */
function flightsAfter(asOf: string): readonly FlightRequest[] {
  const text = gunzipSync(readFileSync(join(EXAMPLE, 'data/departures.jsonl.gz'))).toString('utf8');
  const flights = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Departure)
    .filter(({ departed_at: departedAt, tailnum }) => departedAt > asOf && tailnum !== null);
  const step = Math.floor(flights.length / CANDIDATES);
  return Array.from({ length: CANDIDATES }, (_none, index) => requestOf(flights[index * step] as Departure));
}

interface Departure {
  readonly departed_at: string;
  readonly scheduled_at: string;
  readonly origin: string;
  readonly dest: string;
  readonly carrier: string;
  readonly tailnum: string | null;
  readonly distance: number;
}

function requestOf({ scheduled_at: scheduledAt, origin, dest, carrier, tailnum, distance }: Departure): FlightRequest {
  /** New York keeps standard time in January. */
  const hour = (new Date(scheduledAt).getUTCHours() + 24 - 5) % 24;
  return { origin, dest, carrier, tailnum: tailnum as string, scheduled_hour: hour, distance };
}

if (import.meta.main) writeFileSync(FILE, await flightsJson());
