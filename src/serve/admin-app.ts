/**
 * The server of the administration port: metrics and the documentation, apart from what clients call. The app registers
 * its routes here, bounds what clients may take of it and closes it. With keys it asks for them as the app does; without, whoever reaches the port is let in.
 */
import fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import { type AccessOptions, installAccess } from './access/install.ts';
import { requestId } from './app.ts';
import { answerClientError, installErrorHandling, sendError } from './errors.ts';
import { SHARED_SCHEMAS } from './schemas.ts';
import { SERVER_LIMITS, serverOptions } from './server-limits.ts';

export async function createAdminApp(logger: FastifyBaseLogger, access: AccessOptions): Promise<FastifyInstance> {
  const app = fastify({
    loggerInstance: logger,
    childLoggerFactory: (parent) => parent,
    logController: new LogController({ disableRequestLogging: true }),
    ...serverOptions(SERVER_LIMITS),
    routerOptions: { ignoreTrailingSlash: true },
    genReqId: requestId,
    forceCloseConnections: 'idle',
    frameworkErrors: (error, request, reply) => void sendError(error, request, reply),
    clientErrorHandler: answerClientError,
  });
  app.setSerializerCompiler(() => JSON.stringify);
  for (const schema of SHARED_SCHEMAS) app.addSchema(schema);
  app.addHook('onRequest', async (request, reply) => {
    void reply.header('x-request-id', request.id);
  });
  await installAccess(app, access);
  installErrorHandling(app);
  return app;
}
