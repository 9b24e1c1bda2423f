/** Tells metrics of every request. To be installed before routes are: each gets a recorder of its own. */
import type { FastifyInstance } from 'fastify';
import type { MetricsSink, RequestRecorder } from './metrics-sink.ts';
import { routeTemplate } from './route-template.ts';

/** Methods with a meaning of their own; a request where there is no route may name any. */
const METHODS = new Set(['CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'QUERY', 'TRACE']);

export function installRequestMetrics(app: FastifyInstance, metrics: MetricsSink): void {
  const unrouted = new Map<string, RequestRecorder>();
  function unroutedRecorder(given: string): RequestRecorder {
    const method = METHODS.has(given) ? given : '_OTHER';
    const recorder = unrouted.get(method) ?? metrics.requests(method, null);
    unrouted.set(method, recorder);
    return recorder;
  }
  // Callbacks, for an async hook costs a promise at each request.
  app.addHook('onRoute', (route) => {
    const recorders = new Map(
      [route.method].flat().map((each) => [each, metrics.requests(each, routeTemplate(route.url))]),
    );
    const [only] = recorders.values();
    route.onResponse = [
      ...[route.onResponse ?? []].flat(),
      (request, reply, done) => {
        const record = recorders.size === 1 ? only : recorders.get(request.method);
        record?.(reply.statusCode, reply.elapsedTime);
        done();
      },
    ];
  });
  app.addHook('onResponse', (request, reply, done) => {
    if (request.is404) unroutedRecorder(request.method)(reply.statusCode, reply.elapsedTime);
    done();
  });
}
