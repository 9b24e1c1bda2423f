/**
 * Reads the features of some flights and prints them as a model would get them.
 *
 *     npm ci && node score.ts http://127.0.0.1:8080
 */
import { createFeatures, FeatureError } from './features.ts';

const [url = 'http://127.0.0.1:8080', timeoutMs = '1000'] = process.argv.slice(2);
const key = process.env['SKEWLESS_KEY'];
const features = createFeatures({
  url,
  timeoutMs: Number(timeoutMs),
  attempts: 3,
  ...(key === undefined ? {} : { key }),
});
const flight = { dest: 'LAX', carrier: 'B6', tailnum: 'N583JB', scheduled_hour: 17, distance: 2475 };

try {
  const wanted = ['departures_24h', 'delay_mean_24h', 'evening_rush'];
  const { names, rows, matrix } = await features(
    'departure_delay',
    [
      { origin: 'JFK', ...flight },
      { origin: 'LGA', ...flight },
    ],
    wanted,
  );
  console.log(JSON.stringify({ names, rows, matrix: [...matrix] }));
} catch (error) {
  console.error(error instanceof FeatureError ? error.problem : error);
  process.exitCode = 1;
}
