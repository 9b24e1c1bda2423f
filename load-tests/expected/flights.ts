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
/** Served within 1 % of the value of its rank; all else to the last bit. */
const ESTIMATES = ['delay_p90_24h'];

/** Texts of JSON where they are values, so that a file of the same vectors is the same text. */
export async function flightsJson(): Promise<string> {
  const truth = await openTruth(join(EXAMPLE, 'raw'));
  const vectors: { as_of: string; entity: FlightRequest; values: unknown[] }[] = [];
  let features: readonly string[] = [];
  for (const asOf of AS_OFS) {
    for (const entity of flightsAfter(asOf)) {
      const values = await truth(entity, Date.parse(asOf));
      features = Object.keys(values);
      vectors.push({ as_of: asOf, entity, values: Object.values(values) });
    }
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
  const step = Math.floor(flights.length / VECTORS_PER_AS_OF);
  return Array.from({ length: VECTORS_PER_AS_OF }, (_none, index) => requestOf(flights[index * step] as Departure));
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
