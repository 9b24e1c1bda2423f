/** The definitions of the flights example, with a handful of events: enough for every documented request. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Harness, type HarnessOptions, startHarness } from './harness.ts';

const FOLDER = join(import.meta.dirname, '../../examples/flights/definitions');
const DEFINITIONS = ['sources', 'views', 'services']
  .map((name) => readFileSync(join(FOLDER, `${name}.yaml`), 'utf8'))
  .join('\n');

const DEPARTURE = {
  flight_id: '1',
  scheduled_at: '2013-01-31T16:00:00Z',
  departed_at: '2013-01-31T16:30:00Z',
  origin: 'JFK',
  dest: 'LAX',
  carrier: 'B6',
  flight: 23,
  tailnum: 'N583JB',
  dep_delay: 30,
  distance: 2475,
  cancelled: false,
};
const EVENTS = {
  departures: [DEPARTURE, { ...DEPARTURE, flight_id: '2', departed_at: '2013-01-31T22:00:00Z' }],
  arrivals: [{ ...DEPARTURE, arrived_at: '2013-01-31T22:00:00Z', arr_delay: 10, air_time: 330 }],
  weather: [{ observed_at: '2013-01-31T22:00:00Z', origin: 'JFK' }],
};

export function startFlights(options: Partial<HarnessOptions> = {}): Promise<Harness> {
  return startHarness({ definitions: DEFINITIONS, events: EVENTS, ...options });
}
