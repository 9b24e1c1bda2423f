import { expect, test } from 'vitest';
import { validateEvent } from '../../src/event/validate.ts';
import { load, sourceOf } from './support.ts';

const SOURCE = sourceOf(
  load(`
sources:
  - name: s
    event_time: at
    key: { fields: [k, n], separator: "/" }
    fields:
      at: timestamp
      k: string
      n: "int?"
      x: { type: "double?", path: a.x }
`),
);

function textOf(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString('utf8');
}

test('a sound event becomes the bytes of a record, undeclared fields included', () => {
  const event = { at: '2024-01-01T00:00:00.250Z', k: 'é', n: 4, a: { x: 1.5 }, other: [1] };
  const valid = validateEvent(SOURCE, event);
  expect(valid).toMatchObject({ ok: true, tsMs: 1_704_067_200_250 });
  if (!valid.ok) return;
  expect(textOf(valid.key)).toBe('é/4');
  expect(textOf(valid.value)).toBe(JSON.stringify(event));
});

test('an event whose record key holds a null has none', () => {
  expect(validateEvent(SOURCE, { at: 0, k: 'a' })).toMatchObject({ ok: true, key: null });
});

test.each<[string, unknown, string, string]>([
  ['no object', [], 'not_an_object', 'found an array'],
  ['null', null, 'not_an_object', 'found null'],
  ['no event time', { k: 'a' }, 'null_field', 'at: null or absent'],
  ['a field of another type', { at: 0, k: 1 }, 'wrong_type', 'k: expected string, found a number'],
  [
    'a nested field of another type',
    { at: 0, k: 'a', a: { x: '1' } },
    'wrong_type',
    'x: expected double, found a string',
  ],
  ['an event time beyond what is kept', { at: 2 ** 52, k: 'a' }, 'out_of_range', 'at: beyond the range'],
  ['half of a surrogate pair', { at: 0, k: '\udc00' }, 'invalid_string', 'k: half of a surrogate pair'],
  ['more than a megabyte', { at: 0, k: 'a', note: 'x'.repeat(2 ** 20) }, 'record_too_large', 'bytes'],
])('%s is refused, and the message names what is wrong', (_name, json, code, message) => {
  const result = validateEvent(SOURCE, json);
  expect(result).toMatchObject({ ok: false, code });
  if (!result.ok) expect(result.message).toContain(message);
});

test('an event that nests deeper than it can be written is refused, not thrown at', () => {
  const depth = 200_000;
  const nested: unknown = JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`);
  expect(validateEvent(SOURCE, { at: 0, k: 'a', nested })).toMatchObject({ ok: false, code: 'malformed_json' });
});
