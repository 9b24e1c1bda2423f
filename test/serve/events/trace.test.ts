import { expect, test } from 'vitest';
import { startAirport } from '../vectors/fixture.ts';

const URL = '/v1/sources/departures/events';
const EVENT = { origin: 'JFK', departed_at: '2013-01-31T17:00:00Z', delay: 3 };
const PARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

/** Headers of the records that a request with such headers appends. */
async function appendedWith(headers: Readonly<Record<string, string>>): Promise<readonly object[]> {
  const { call, log } = await startAirport({ events: {}, materialize: false });
  const answer = await call({ method: 'POST', url: URL, headers, payload: { events: [EVENT, {}, EVENT] } });
  expect([answer.status, answer.json.accepted, answer.json.rejected.length]).toEqual([200, 2, 1]);
  return (await log.read('departures', 0, 0, 10)).map((record) =>
    Object.fromEntries(
      Object.entries(record.headers ?? {}).map(([name, bytes]) => [name, Buffer.from(bytes).toString()]),
    ),
  );
}

test('a request in a trace leaves it on every record it appends', async () => {
  const trace = { traceparent: PARENT, tracestate: 'vendor=1,other=2' };
  expect(await appendedWith(trace)).toEqual([trace, trace]);
  expect(await appendedWith({ traceparent: PARENT })).toEqual([{ traceparent: PARENT }, { traceparent: PARENT }]);
});

test('a trace that is not valid is ignored, and the events are taken', async () => {
  for (const traceparent of ['', 'x', PARENT.toUpperCase(), `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`]) {
    expect(await appendedWith({ traceparent, tracestate: 'vendor=1' })).toEqual([{}, {}]);
  }
  expect(await appendedWith({ tracestate: 'vendor=1' })).toEqual([{}, {}]);
  expect(await appendedWith({ traceparent: PARENT, tracestate: '=' })).toEqual([
    { traceparent: PARENT },
    { traceparent: PARENT },
  ]);
});
