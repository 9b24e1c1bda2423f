/**
 * The HTTP server: wires what every request shares (ids, bodies, errors, documentation) and registers one folder of
 * routes per operation. It listens to nothing by itself, and reads no clock and no environment.
 */
import { randomUUID } from 'node:crypto';
import fastify, { type FastifyInstance, LogController } from 'fastify';
import { installAdmission } from './admission.ts';
import { type ServeDependencies, createServing } from './dependencies.ts';
import { answerClientError, installErrorHandling, sendError } from './errors.ts';
import { installJsonBodies } from './json-body.ts';
import { installOpenApi } from './openapi.ts';
import { registerPostEvents } from './routes/events/post.ts';
import { registerHealth } from './routes/health/health.ts';
import { registerMetrics } from './routes/metrics/metrics.ts';
import { registerServices } from './routes/catalog/services.ts';
import { registerSources } from './routes/catalog/sources.ts';
import { registerViews } from './routes/catalog/views.ts';
import { registerGetVectors } from './routes/vectors/get.ts';
import { registerPostVectors } from './routes/vectors/post.ts';
import { installRequestMetrics } from './request-metrics.ts';
import { SHARED_SCHEMAS } from './schemas.ts';
import { installTracing } from './tracing.ts';
import { createValidatorCompiler } from './validation.ts';

export const BODY_BYTES_MAX = 1_048_576;
const PARAMETER_LENGTH_MAX = 256;
const INFLIGHT_MAX = 1_024;
const REQUEST_TIMEOUT_MS = 30_000;
const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;

export async function buildApp(dependencies: ServeDependencies): Promise<FastifyInstance> {
  const serving = createServing(dependencies);
  const app = fastify({
    loggerInstance: dependencies.logger,
    // The hot path makes no object a request only to log it.
    childLoggerFactory: (logger) => logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_TIMEOUT_MS,
    routerOptions: { maxParamLength: PARAMETER_LENGTH_MAX, ignoreTrailingSlash: true },
    genReqId: ({ headers }) => {
      const given = headers['x-request-id'];
      return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
    },
    // Refused as a problem, by admission.ts.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    frameworkErrors: (error, request, reply) => void sendError(error, request, reply),
    clientErrorHandler: answerClientError,
  });
  app.setValidatorCompiler(createValidatorCompiler());
  // Answers are text already; schemas of responses are documentation.
  app.setSerializerCompiler(() => JSON.stringify);
  for (const schema of SHARED_SCHEMAS) app.addSchema(schema);
  app.addHook('onRequest', async (request, reply) => {
    void reply.header('x-request-id', request.id);
  });
  if (dependencies.metrics) installRequestMetrics(app, dependencies.metrics);
  if (dependencies.tracing) installTracing(app, dependencies.tracing);
  installAdmission(app, dependencies.inflightMax ?? INFLIGHT_MAX);
  installErrorHandling(app);
  installJsonBodies(app);
  await installOpenApi(app, dependencies.version);
  registerPostVectors(app, serving);
  registerGetVectors(app, serving);
  registerPostEvents(app, serving);
  registerViews(app, serving);
  registerServices(app, serving);
  registerSources(app, serving);
  registerHealth(app, serving);
  if (dependencies.metrics) registerMetrics(app, serving, dependencies.metrics);
  return app;
}
