/**
 * Spans of requests, by hand, where somebody traces: without, no hook is installed and nothing is made. What goes into a
 * span names no entity, so neither path nor query of a request do: its route does.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { routeTemplate } from './route-template.ts';

export interface RequestSpan {
  /** Runs what is done for the request: what begins meanwhile is a step of it. */
  run(work: () => void): void;
  end(status: number): void;
}

/** Headers, as they were given. */
export interface TraceText {
  readonly traceparent?: string | undefined;
  readonly tracestate?: string | undefined;
}

export interface Tracing {
  /** Begins a request's span, in the trace that its headers tell of. `route`: null where nothing is at the path. */
  request(method: string, route: string | null, headers: IncomingHttpHeaders): RequestSpan;
  /** Runs `work` as a step of the request at hand. */
  step<T>(name: string, work: () => T): T;
  /** The same, for records on their way to a topic: `work` gets what they are to carry, which is `received` if no step is made. */
  send<T>(topic: string, records: number, received: TraceText, work: (trace: TraceText) => Promise<T>): Promise<T>;
}

declare module 'fastify' {
  interface FastifyRequest {
    span: RequestSpan | null;
  }
}

export function installTracing(app: FastifyInstance, tracing: Tracing): void {
  app.decorateRequest('span', null);
  app.addHook('onRequest', (request, _reply, done) => {
    const url = request.is404 ? undefined : request.routeOptions.url;
    request.span = tracing.request(request.method, url === undefined ? null : routeTemplate(url), request.headers);
    done();
  });
  // Not before: reading the body would lose it.
  app.addHook('preHandler', (request, _reply, done) => {
    if (request.span === null) done();
    else request.span.run(done);
  });
  app.addHook('onResponse', (request, reply, done) => {
    request.span?.end(reply.statusCode);
    done();
  });
}
