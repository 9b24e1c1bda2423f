/** Functions of places on Earth, in degrees. */
import { EvaluationError } from './evaluation-error.ts';
import { type FunctionRule, rule } from './function-rule.ts';
import { finite } from './range.ts';
import { CheckFault, DOUBLE, STRING } from './typed.ts';

const BASE32 = '0123456789bcdefghjkmnpqrstuvwxyz';
const GEOHASH_LENGTH_MAX = 12;
/** Mean radius of the Earth, IUGG. */
const EARTH_RADIUS_KM = 6371.0088;

function checked(latitude: number, longitude: number): void {
  if (Math.abs(latitude) > 90 || Math.abs(longitude) > 180) {
    throw new EvaluationError(`(${latitude}, ${longitude}) is not a latitude and a longitude`);
  }
}

/** Geohash as published by G. Niemeyer (2008): bits of longitude and latitude by halving, in turn, five to a letter. */
function geohash(latitude: number, longitude: number, length: number): string {
  checked(latitude, longitude);
  const ranges = [
    { low: -180, high: 180, value: longitude },
    { low: -90, high: 90, value: latitude },
  ] as const;
  const edges = ranges.map(({ low, high }) => ({ low, high }));
  let text = '';
  let letter = 0;
  for (let bit = 0; bit < length * 5; bit++) {
    const edge = edges[bit % 2] as { low: number; high: number };
    const middle = (edge.low + edge.high) / 2;
    const upper = (ranges[bit % 2] as { value: number }).value >= middle;
    if (upper) edge.low = middle;
    else edge.high = middle;
    letter = letter * 2 + Number(upper);
    if (bit % 5 === 4) {
      text += BASE32.charAt(letter);
      letter = 0;
    }
  }
  return text;
}

function haversineKm(latitude1: number, longitude1: number, latitude2: number, longitude2: number): number {
  checked(latitude1, longitude1);
  checked(latitude2, longitude2);
  const radians = Math.PI / 180;
  const rise = Math.sin(((latitude2 - latitude1) * radians) / 2);
  const run = Math.sin(((longitude2 - longitude1) * radians) / 2);
  const chord = rise * rise + Math.cos(latitude1 * radians) * Math.cos(latitude2 * radians) * run * run;
  return finite(2 * EARTH_RADIUS_KM * Math.asin(Math.min(1, Math.sqrt(chord))));
}

export const PLACE_FUNCTIONS: readonly FunctionRule[] = [
  rule(
    'geohash',
    ['number', 'number', 'whole constant'],
    STRING,
    geohash,
    'Geohash of latitude and longitude, that many letters (1 to 12).',
    {
      compile: ([, , letters]) => {
        const length = letters?.constant as number;
        if (length >= 1 && length <= GEOHASH_LENGTH_MAX) return geohash;
        throw new CheckFault(letters?.start ?? 0, 'a geohash cannot have that many letters', {
          expected: `1 to ${GEOHASH_LENGTH_MAX}`,
          found: String(length),
        });
      },
    },
  ),
  rule(
    'haversine_km',
    ['number', 'number', 'number', 'number'],
    DOUBLE,
    haversineKm,
    'Great-circle distance from latitude and longitude to another, in km.',
  ),
];
