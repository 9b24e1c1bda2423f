/**
 * Traces: a span for each request that is sampled, its steps below it, and one for each batch that is folded, linked to the
 * spans that sent its records. What is current goes along with asynchronous calls; whatever begins where nothing is
 * current, or where that is not sampled, makes no span.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type Attributes,
  defaultTextMapGetter,
  defaultTextMapSetter,
  type Link,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { W3CTraceContextPropagator, parseTraceParent } from '@opentelemetry/core';
import type { BatchRecord, BatchTracing } from '../materialize/tracing.ts';
import type { RequestSpan, TraceText, Tracing } from '../serve/tracing.ts';

/** Of one batch; records beyond are folded all the same. */
const LINKS_MAX = 64;
/** Version 00 has 55 characters. */
const TRACEPARENT_LENGTH_MAX = 256;
const TEXT_DECODER = new TextDecoder();

export interface Traces extends Tracing, BatchTracing {
  /** An operation of the store, as a step of what it is done for. */
  store<T>(operation: string, shard: ShardFacts, work: () => Promise<T>): Promise<T>;
}

interface ShardFacts {
  readonly source: string;
  readonly entityKey: string;
  readonly partition: number;
}

/** `system`: what the log is, as OpenTelemetry names it. */
export function createTraces(tracer: Tracer, system: string): Traces {
  const current = new AsyncLocalStorage<Span>();
  const propagator = new W3CTraceContextPropagator();

  /** Null: nobody would see it. */
  function begin(name: string, kind: SpanKind, attributes: Attributes): Span | null {
    const parent = current.getStore();
    if (parent === undefined || !parent.isRecording()) return null;
    return tracer.startSpan(name, { kind, attributes }, trace.setSpan(ROOT_CONTEXT, parent));
  }

  function within<T>(span: Span | null, work: () => T): T {
    return span === null ? work() : current.run(span, () => ended(span, work));
  }

  return {
    request(method, route, headers) {
      const parent = propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter);
      const attributes = {
        'http.request.method': method,
        'url.scheme': 'http',
        ...(route === null ? {} : { 'http.route': route }),
      };
      const name = route === null ? method : `${method} ${route}`;
      const span = tracer.startSpan(name, { kind: SpanKind.SERVER, attributes }, parent);
      return requestSpan(span, (work) => current.run(span, work));
    },
    step: (name, work) => within(begin(name, SpanKind.INTERNAL, {}), work),
    send(topic, records, received, work) {
      const attributes = { ...messaging(system, topic, 'send', 'send'), 'messaging.batch.message_count': records };
      const producing = begin(`send ${topic}`, SpanKind.PRODUCER, attributes);
      if (producing === null) return work(received);
      const carried: TraceText = {};
      propagator.inject(trace.setSpan(ROOT_CONTEXT, producing), carried, defaultTextMapSetter);
      return within(producing, () => work(carried));
    },
    store(operation, { source, entityKey, partition }, work) {
      const attributes = {
        'skewless.source': source,
        'skewless.entity_key': entityKey,
        'skewless.partition': partition,
      };
      return within(begin(`store ${operation}`, SpanKind.CLIENT, attributes), work);
    },
    batch(topic, partition, records, work) {
      const links = linksOf(records);
      if (links.length === 0) return work();
      const attributes = {
        ...messaging(system, topic, 'process', 'process'),
        'messaging.destination.partition.id': String(partition),
        'messaging.batch.message_count': records.length,
      };
      const options = { kind: SpanKind.CONSUMER, attributes, links, root: true };
      return within(tracer.startSpan(`process ${topic}`, options, ROOT_CONTEXT), work);
    },
  };
}

function messaging(system: string, topic: string, type: string, name: string): Attributes {
  return {
    'messaging.system': system,
    'messaging.destination.name': topic,
    'messaging.operation.type': type,
    'messaging.operation.name': name,
  };
}

function requestSpan(span: Span, run: (work: () => void) => void): RequestSpan {
  return {
    run,
    end(status) {
      span.setAttribute('http.response.status_code', status);
      if (status >= 500) {
        span.setAttribute('error.type', String(status));
        span.setStatus({ code: SpanStatusCode.ERROR });
      }
      span.end();
    },
  };
}

/** Ends the span when the work has ended, well or not. Of an error only its name is kept: a message may quote a value. */
function ended<T>(span: Span, work: () => T): T {
  const failed = (error: unknown): void => {
    span.setAttribute('error.type', error instanceof Error ? error.name : typeof error);
    span.setStatus({ code: SpanStatusCode.ERROR });
    span.end();
  };
  try {
    const result = work();
    if (!(result instanceof Promise)) {
      span.end();
      return result;
    }
    return result.then(
      (value: unknown) => {
        span.end();
        return value;
      },
      (error: unknown) => {
        failed(error);
        throw error;
      },
    ) as T;
  } catch (error) {
    failed(error);
    throw error;
  }
}

/** To the sampled spans that sent the records, each once. */
function linksOf(records: readonly BatchRecord[]): Link[] {
  const links = new Map<string, Link>();
  for (const { record } of records) {
    const bytes = record.headers?.['traceparent'];
    if (bytes === undefined || bytes.length > TRACEPARENT_LENGTH_MAX) continue;
    const context = parseTraceParent(TEXT_DECODER.decode(bytes));
    if (context === null || (context.traceFlags & TraceFlags.SAMPLED) === 0) continue;
    links.set(`${context.traceId} ${context.spanId}`, { context });
    if (links.size === LINKS_MAX) break;
  }
  return [...links.values()];
}
