import { expect, test } from 'vitest';
import type { LogRecord } from '../../src/event/event.ts';
import { RECORD_BYTES_MAX } from '../../src/event/parse-record.ts';
import { moved, parseMoved, progressRecord } from '../../src/materialize/transit.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const RECORD: LogRecord = {
  partition: 3,
  offset: 70,
  timestampMs: 1_700_000_000_000,
  key: bytes('k'),
  value: bytes('{}'),
};

/** As the internal topic gives it back. */
function roundTrip(record: LogRecord): LogRecord | null {
  const { partition = 0, key, value, headers = {} } = moved(record, 1, '["e"]');
  const read = parseMoved({ partition, offset: 5, timestampMs: 9, key, value, headers });
  return read?.kind === 'record' ? read.record : null;
}

test('a moved record is read as the one it was: coordinates, key, value and headers', () => {
  for (const record of [
    RECORD,
    { ...RECORD, key: null },
    { ...RECORD, value: null },
    { ...RECORD, headers: { traceparent: bytes('00-1'), tracestate: bytes('v=1'), 'skewless-replay': bytes('{}') } },
  ]) {
    expect(roundTrip(record)).toEqual(record);
  }
});

test('one that is too large to be read is moved as what is one byte too large', () => {
  const value = roundTrip({ ...RECORD, value: new Uint8Array(3 * RECORD_BYTES_MAX) })?.value;
  expect(value?.length).toBe(RECORD_BYTES_MAX + 1);
});

test('progress is read as it was written, and what is neither is nothing', () => {
  const progress = { partition: 2, nextOffset: 9, reachedEndAtMs: null, lostUntilMs: 7 };
  const { key, value, headers = {} } = progressRecord(progress, 1);
  expect(parseMoved({ partition: 1, offset: 5, timestampMs: 9, key, value, headers })).toEqual({
    kind: 'progress',
    progress,
  });
  expect(parseMoved(RECORD)).toBeNull();
});
