/** geohash and haversine_km against published figures, and geohash against a computation of another kind. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { evaluated, fails, problemsOf, typeOf } from './support.ts';

test.each([
  // Wikipedia's article on geohash.
  ['57.64911, 10.40744, 11', 'u4pruydqqvj'],
  ['42.605, -5.603, 5', 'ezs42'],
  // Examples of geohash libraries' documentation, and corners of the world.
  ['48.669, -4.329, 5', 'gbsuv'],
  ['-25.382708, -49.265506, 8', '6gkzwgjz'],
  ['37.8324, 112.5584, 9', 'ww8p1r4t8'],
  ['0, 0, 1', 's'],
  ['-90, -180, 12', '000000000000'],
  ['90, 180, 12', 'zzzzzzzzzzzz'],
  ['0, 0, 12', 's00000000000'],
])('geohash(%s) is %s', (args, text) => {
  expect(evaluated(`geohash(${args})`)).toBe(text);
});

/** By scaling to whole numbers and interleaving their bits, where the program halves intervals. */
function scaledGeohash(latitude: number, longitude: number, letters: number): string {
  const bits = 30;
  const cells = 2 ** bits;
  const scaled = (value: number, size: number): number =>
    Math.min(cells - 1, Math.floor(((value + size) / (2 * size)) * cells));
  const [down, across] = [scaled(latitude, 90), scaled(longitude, 180)];
  let text = '';
  for (let letter = 0; letter < letters; letter++) {
    let code = 0;
    for (let bit = letter * 5; bit < letter * 5 + 5; bit++) {
      const source = bit % 2 === 0 ? across : down;
      code = code * 2 + (Math.floor(source / 2 ** (bits - 1 - Math.floor(bit / 2))) % 2);
    }
    text += '0123456789bcdefghjkmnpqrstuvwxyz'[code];
  }
  return text;
}

test('geohash agrees with interleaved bits of scaled coordinates, for every length', () => {
  // Multiples of 2^−16 degrees, for which both computations are exact.
  const degrees = (most: number) =>
    fc.integer({ min: -most * 65_536, max: most * 65_536 }).map((each) => each / 65_536);
  fc.assert(
    fc.property(degrees(90), degrees(180), fc.integer({ min: 1, max: 12 }), (x, y, letters) => {
      expect(evaluated(`geohash(x, y, ${letters})`, { x, y })).toBe(scaledGeohash(x, y, letters));
    }),
    { numRuns: 500 },
  );
});

test.each([
  ['40.639751, -73.778925, 33.942536, -118.408075', 3_974, 3_984],
  ['36.12, -86.67, 33.94, -118.40', 2_886.44, 2_886.46],
  ['0, 0, 0, 180', 20_015.11, 20_015.12],
  ['90, 0, -90, 0', 20_015.11, 20_015.12],
  ['0, 179.5, 0, -179.5', 111.19, 111.2],
])('haversine_km(%s) is between %d and %d', (args, least, most) => {
  const found = evaluated(`haversine_km(${args})`) as number;
  expect(found).toBeGreaterThanOrEqual(least);
  expect(found).toBeLessThanOrEqual(most);
});

test('a distance is the same both ways, none to itself, and never more than half around', () => {
  const latitude = fc.double({ min: -90, max: 90, noNaN: true });
  const longitude = fc.double({ min: -180, max: 180, noNaN: true });
  fc.assert(
    fc.property(latitude, longitude, latitude, longitude, (a, b, c, d) => {
      const there = evaluated(`haversine_km(${[a, b, c, d].map((each) => `(${each})`).join(', ')})`) as number;
      const back = evaluated(`haversine_km(${[c, d, a, b].map((each) => `(${each})`).join(', ')})`) as number;
      expect(Math.abs(there - back)).toBeLessThan(1e-6);
      expect(there).toBeLessThanOrEqual(20_015.12);
      expect(evaluated('haversine_km(x, y, x, y)', { x: a, y: b })).toBe(0);
    }),
    { numRuns: 300 },
  );
});

test('what is no place on Earth is an error', () => {
  expect(fails('geohash(x, 0, 5)', { x: 90.000_001 })).toBe(true);
  expect(fails('geohash(0, x, 5)', { x: -180.000_001 })).toBe(true);
  expect(fails('haversine_km(0, 0, 0, x)', { x: 181 })).toBe(true);
  expect(evaluated('geohash(x, 0, 5)')).toBeNull();
  expect(evaluated('haversine_km(0, 0, 0, x)')).toBeNull();
});

test('the length of a geohash is a constant from 1 to 12', () => {
  expect(typeOf('geohash(x, y, 5)')).toBe('string?');
  expect(problemsOf('geohash(x, y, 13)')[0]).toMatchObject({ start: 14, expected: '1 to 12', found: '13' });
  expect(problemsOf('geohash(x, y, 0)')).toHaveLength(1);
  expect(problemsOf('geohash(x, y, i)')[0]).toMatchObject({ start: 14, expected: 'whole constant' });
});
