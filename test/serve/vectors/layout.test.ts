import { expect, test } from 'vitest';
import { NEWEST_MS, ROW, startAirport } from './fixture.ts';

test('layout columns is the rows transposed, and says the same of each row', async () => {
  const { vectors } = await startAirport({ materialize: true });
  const request = {
    entities: [ROW, { origin: 'XXX', scheduled_hour: 2 }, { origin: 5 }],
    as_of: NEWEST_MS + 1,
    include: ['status', 'event_time', 'receipt'],
    features: ['departures_24h', 'wind_24h', 'delay_ratio'],
  };
  const rows = (await vectors('departure_delay', request)).json;
  const columns = (await vectors('departure_delay', { ...request, layout: 'columns' })).json;
  for (const field of ['service', 'version', 'fingerprint', 'as_of', 'features'])
    expect(columns[field]).toEqual(rows[field]);
  expect(columns).not.toHaveProperty('vectors');
  for (const [index, name] of request.features.entries()) {
    for (const [row, vector] of rows.vectors.entries()) {
      expect(columns.columns[name][row]).toEqual(vector.values?.[index] ?? null);
      expect(columns.status[name][row]).toEqual(vector.status?.[index] ?? null);
      expect(columns.event_time[name][row]).toEqual(vector.event_time?.[index] ?? null);
    }
  }
  expect(columns.rows).toEqual(
    rows.vectors.map(
      ({ values: _values, status: _status, event_time: _time, ...rest }: Record<string, unknown>) => rest,
    ),
  );
});
