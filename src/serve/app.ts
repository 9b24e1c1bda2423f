/**
 * The HTTP server: wires what every request shares (ids, bodies, errors, documentation) and registers one folder of
 * routes per operation. It listens to nothing by itself, and reads no clock and no environment.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import fastify, { type FastifyInstance, LogController } from 'fastify';
import { installAccess } from './access/install.ts';
import { installAdmission } from './admission.ts';
import { type ServeDependencies, createServing } from './dependencies.ts';
import { answerClientError, installErrorHandling, sendError } from './errors.ts';
import { installJsonBodies } from './json-body.ts';
import { installDocs, installOpenApi } from './openapi.ts';
import { createAppender } from './routes/events/append.ts';
import { registerAudits } from './routes/audits/list.ts';
import { registerPostEvents } from './routes/events/post.ts';
import { registerFeast } from './routes/feast/feast.ts';
import { registerHealth } from './routes/health/health.ts';
import { registerMetrics } from './routes/metrics/metrics.ts';
import { registerLineage } from './routes/lineage/lineage.ts';
import { registerConsole } from './routes/console/console.ts';
import { registerServices } from './routes/catalog/services.ts';
import { registerSources } from './routes/catalog/sources.ts';
import { registerViews } from './routes/catalog/views.ts';
import { registerVerifyReceipts } from './routes/receipts/post.ts';
import { registerGetVectors } from './routes/vectors/get.ts';
import { registerPostVectors } from './routes/vectors/post.ts';
import { installRenewal } from './routes/vectors/renewal.ts';
import { installRequestMetrics } from './request-metrics.ts';
import { SHARED_SCHEMAS } from './schemas.ts';
import { SERVER_LIMITS, installServerLimits, serverOptions } from './server-limits.ts';
import { installTracing } from './tracing.ts';
import { createValidatorCompiler } from './validation.ts';

const PARAMETER_LENGTH_MAX = 256;
const INFLIGHT_MAX = 1_024;
const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;

export async function buildApp(dependencies: ServeDependencies): Promise<FastifyInstance> {
  const serving = createServing(dependencies);
  const limits = { ...SERVER_LIMITS, ...dependencies.limits };
  const app = fastify({
    loggerInstance: dependencies.logger,
    // The hot path makes no object a request only to log it.
    childLoggerFactory: (logger) => logger,
    logController: new LogController({ disableRequestLogging: true }),
    ...serverOptions(limits),
    routerOptions: { maxParamLength: PARAMETER_LENGTH_MAX, ignoreTrailingSlash: true },
    genReqId: requestId,
    // What was accepted is answered, by drain.ts.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    frameworkErrors: (error, request, reply) => void sendError(error, request, reply),
    clientErrorHandler: answerClientError,
  });
  app.setValidatorCompiler(createValidatorCompiler());
  // Answers are text already; schemas of responses are documentation.
  app.setSerializerCompiler(() => JSON.stringify);
  for (const schema of SHARED_SCHEMAS) app.addSchema(schema);
  app.addHook('onRequest', (request, reply, done) => {
    void reply.header('x-request-id', request.id);
    done();
  });
  const { inflightMax = INFLIGHT_MAX, pressure = null, metrics = null, adminApp = null } = dependencies;
  if (metrics) installRequestMetrics(app, metrics);
  if (dependencies.tracing) installTracing(app, dependencies.tracing);
  for (const server of adminApp === null ? [app] : [app, adminApp]) {
    installServerLimits(server, limits, (reason) => metrics?.refused(reason));
  }
  const inflight = await installAdmission(app, { inflightMax, pressure }, (reason) => metrics?.refused(reason));
  metrics?.observeInflight(inflight);
  metrics?.observeReaders(serving.readers.report);
  serving.drain.install(app);
  await installAccess(app, {
    definitions: dependencies.definitions,
    clock: dependencies.clock,
    keys: dependencies.keys ?? null,
    rate: dependencies.rate ?? null,
  });
  installErrorHandling(app);
  installJsonBodies(app);
  await installOpenApi(app, dependencies.version);
  await registerPostVectors(app, serving);
  registerGetVectors(app, serving);
  if (dependencies.tier) installRenewal(app, serving);
  const appender = createAppender(serving);
  registerPostEvents(app, appender);
  registerVerifyReceipts(app, serving);
  registerViews(app, serving);
  registerServices(app, serving);
  registerSources(app, serving);
  registerLineage(app, serving);
  registerAudits(app, serving);
  registerHealth(app, serving);
  await registerFeast(app, serving, appender);
  registerConsole(app);
  const surface = adminApp ?? app;
  await installDocs(surface, app);
  if (metrics) registerMetrics(surface, serving, metrics);
  // Metrics can be asked for until the last request is answered.
  if (adminApp) app.addHook('onClose', () => adminApp.close());
  return app;
}

/** Ids that are made here: a UUID of the process, whose last digits count. */
const ID_PREFIX = randomUUID().slice(0, 24);
const ID_DIGITS = 12;
let idsMade = 0;

/** The caller's, where it is a plain one. Drawing one at random each time would cost more. */
export function requestId({ headers }: IncomingMessage): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && REQUEST_ID.test(given) ? given : nextId();
}

function nextId(): string {
  return ID_PREFIX + (idsMade++).toString(16).padStart(ID_DIGITS, '0');
}
