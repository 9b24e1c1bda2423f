import { expect, test } from 'vitest';
import { textOf, traceHeaders, traceHeadersOf } from '../../src/event/trace-context.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const PARENT = `00-${TRACE}-${SPAN}-01`;

const written = (traceparent: string | undefined, tracestate?: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(traceHeaders(traceparent, tracestate) ?? {}).map(([name, bytes]) => [name, textOf(bytes) ?? '']),
  );

test.for([
  PARENT,
  `00-${TRACE}-${SPAN}-00`,
  `00-${TRACE}-${SPAN}-ff`,
  // A later version begins as this one does, and may go on.
  `01-${TRACE}-${SPAN}-01`,
  `cc-${TRACE}-${SPAN}-01-what-the-future-brings`,
])('%s is passed on as it is', (traceparent) => {
  expect(written(traceparent)).toEqual({ traceparent });
});

test.for([
  ['nothing', undefined],
  ['no text', ''],
  ['version ff', `ff-${TRACE}-${SPAN}-01`],
  ['more than version 00 has', `${PARENT}-more`],
  ['a later version that goes on without a dash', `01-${TRACE}-${SPAN}-01more`],
  ['upper case', PARENT.toUpperCase()],
  ['a trace of zeros', `00-${'0'.repeat(32)}-${SPAN}-01`],
  ['a parent of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
  ['a short trace', `00-${TRACE.slice(1)}-${SPAN}-01`],
  ['flags of one digit', `00-${TRACE}-${SPAN}-1`],
  ['two headers in one', `${PARENT}, ${PARENT}`],
  ['more than anybody needs', `01-${TRACE}-${SPAN}-01-${'a'.repeat(300)}`],
] as const)('%s is no traceparent, and tracestate goes with it', ([, traceparent]) => {
  expect(traceHeaders(traceparent, 'vendor=1')).toBeNull();
});

test.for([
  ['one=1,two=2', 'one=1,two=2'],
  [' one=1 ,, two=2,', 'one=1,two=2'],
  ['tenant@vendor=a b', 'tenant@vendor=a b'],
  ['one=1,Two=2,three=a=b,four', 'one=1'],
  ['', undefined],
  ['nonsense', undefined],
] as const)('tracestate %j is written as %j', ([given, expected]) => {
  const tracestate = expected === undefined ? {} : { tracestate: expected };
  expect(written(PARENT, given)).toEqual({ traceparent: PARENT, ...tracestate });
});

test('of a long tracestate whole members are kept, from its beginning', () => {
  const members = Array.from({ length: 40 }, (_none, index) => `vendor-${index}=${index}`);
  expect(written(PARENT, members.join())['tracestate']).toBe(members.slice(0, 32).join());
  const long = ['a', 'b', 'c'].map((key) => `${key}=${key.repeat(200)}`);
  expect(written(PARENT, long.join())['tracestate']).toBe(long.slice(0, 2).join());
});

test('of a record, headers that are none of these stay behind, and bytes that are no text are none', () => {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
  const headers = { traceparent: bytes(PARENT), tracestate: bytes('one=1'), other: bytes('x') };
  expect(traceHeadersOf(headers)).toEqual({ traceparent: bytes(PARENT), tracestate: bytes('one=1') });
  expect(traceHeadersOf({ other: bytes('x') })).toBeNull();
  expect(traceHeadersOf({ traceparent: Uint8Array.of(0xff, 0xfe), tracestate: bytes('one=1') })).toBeNull();
  expect(traceHeadersOf(undefined)).toBeNull();
});
