/**
 * W3C trace context that goes with a record: from the request that appended it, through repartitioning, to its dead letter.
 * A record's headers have the names and values that HTTP's have. What the format does not allow is left out and never an
 * error: a trace tells about a record, and is no part of it.
 */
import { TraceState, parseTraceParent } from '@opentelemetry/core';
import type { RecordHeaders } from './event.ts';

export const TRACEPARENT = 'traceparent';
export const TRACESTATE = 'tracestate';
/** Version 00 has 55 characters; later ones may have more, and are passed on as they are up to here. */
const TRACEPARENT_LENGTH_MAX = 256;
const TEXT_ENCODER = new TextEncoder();
const TEXT_DECODER = new TextDecoder();

/**
 * Headers of a record, from those of a request. Null without a valid `traceparent`: `tracestate` says nothing alone. Of
 * that, members that are not valid are left out, and what is beyond 32 members or 512 characters.
 */
export function traceHeaders(traceparent: string | undefined, tracestate: string | undefined): RecordHeaders | null {
  if (traceparent === undefined || traceparent.length > TRACEPARENT_LENGTH_MAX) return null;
  if (parseTraceParent(traceparent) === null) return null;
  const parent = { [TRACEPARENT]: TEXT_ENCODER.encode(traceparent.trim()) };
  const state = tracestate === undefined ? '' : new TraceState(tracestate).serialize();
  return state === '' ? parent : { ...parent, [TRACESTATE]: TEXT_ENCODER.encode(state) };
}

/** Those of a record's headers that are trace context, held to the same. */
export function traceHeadersOf(headers: RecordHeaders | undefined): RecordHeaders | null {
  return headers === undefined ? null : traceHeaders(textOf(headers[TRACEPARENT]), textOf(headers[TRACESTATE]));
}

export function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : TEXT_DECODER.decode(bytes);
}
