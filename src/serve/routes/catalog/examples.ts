/** Answers of the catalog as the documentation shows them: the flights example, abridged. */

const STATE_FINGERPRINT = '9d5ed678fe57bcca610140957afab571';
const READ_FINGERPRINT = '0cc175b9c0f1b6a831c399e269772661';

const FRESHNESS = [
  {
    partition: 0,
    state: 'ready',
    position: 27004,
    build_target: 27004,
    lag: 0,
    caught_up_at: '2026-01-31T12:00:00.000Z',
    heartbeat: '2026-01-31T12:00:00.000Z',
    watermark: '2013-02-01T03:59:00.000Z',
    idle: true,
    complete_from: null,
  },
];

export const VIEW_EXAMPLE = {
  name: 'origin_departures',
  version: 1,
  description: 'Departures of an airport.',
  owner: 'ops-ml',
  labels: {},
  entity: { name: 'airport', keys: [{ name: 'origin', type: 'string', column: 'origin' }] },
  source: 'departures',
  where: null,
  max_age: null,
  history: '24h',
  incomplete: 'withhold',
  features: [
    {
      name: 'delay_mean_24h',
      type: 'double?',
      aggregation: 'mean',
      params: {},
      of: 'dep_delay',
      where: null,
      window: '24h',
      hop: '15m',
      offset: null,
      default: null,
      description: '',
    },
  ],
  state_fingerprint: STATE_FINGERPRINT,
  read_fingerprint: READ_FINGERPRINT,
  services: ['departure_delay@1'],
  freshness: FRESHNESS,
  counters: {
    folded: 27004,
    late: 0,
    too_late: 0,
    duplicates: 0,
    filtered: 0,
    null_key: 0,
    erased: 0,
    rejected: {},
  },
};

export const SERVICE_EXAMPLE = {
  name: 'departure_delay',
  version: 1,
  description: 'What predicts the delay of a departure, seen just before it.',
  owner: 'ops-ml',
  labels: {},
  fingerprint: STATE_FINGERPRINT,
  as_of: 'optional',
  request: [
    { name: 'origin', kind: 'key', type: 'string' },
    { name: 'scheduled_hour', kind: 'input', type: 'int' },
  ],
  features: [
    {
      name: 'delay_mean_24h',
      type: 'double?',
      description: '',
      view: 'origin_departures@1',
      feature: 'delay_mean_24h',
      keys: { origin: 'origin' },
      expression: null,
    },
    {
      name: 'evening_rush',
      type: 'bool',
      description: '',
      view: null,
      feature: null,
      keys: null,
      expression: 'scheduled_hour BETWEEN 16 AND 20',
    },
  ],
  sources: ['departures'],
};

export const SOURCE_EXAMPLE = {
  name: 'departures',
  description: 'Every scheduled departure.',
  owner: 'flight-data',
  labels: {},
  topic: 'departures',
  format: 'json',
  mode: 'append',
  envelope: null,
  key: { fields: ['flight_id'], encoding: 'string', separator: '|' },
  partitioner: 'murmur2',
  event_time: 'departed_at',
  event_id: null,
  clock: 'watermark',
  max_disorder: '1h',
  max_ahead: '5m',
  stale_after: '1m',
  fields: [{ name: 'departed_at', type: 'timestamp', path: ['departed_at'] }],
  derive: [{ name: 'late', type: 'bool?', expression: 'dep_delay > 15' }],
  watermark: '2013-02-01T03:59:00.000Z',
  views: [{ view: 'origin_departures@1', freshness: FRESHNESS }],
  dead_letters: 0,
};
