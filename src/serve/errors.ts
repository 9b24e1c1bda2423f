/**
 * The one place where what was thrown becomes an HTTP answer. Whatever happens, the answer is a problem; only a fault
 * of ours is a 500, and then the log has the details and the answer none.
 */
import type { Socket } from 'node:net';
import type { ErrorObject } from 'ajv';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { SkewlessError } from '../core/errors.ts';
import { PROBLEM_TYPE, type ProblemItem, RequestError, item, problemOf, shorten, unlisted } from './problem.ts';
import { itemsOf } from './validation.ts';

/** Faults that Fastify finds before a handler runs: code → status, our code, what to do. */
const FRAMEWORK_ERRORS: Readonly<Record<string, readonly [status: number, code: string, message: string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: [413, 'body_too_large', 'the body is larger than 1 MiB; send fewer rows at a time'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: [415, 'unsupported_media_type', 'send the body as content-type: application/json'],
  FST_ERR_CTP_EMPTY_JSON_BODY: [400, 'malformed_json', 'the body is empty; expected a JSON object'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: [400, 'invalid_content_length', 'content-length is not the length of the body'],
  FST_ERR_BAD_URL: [400, 'malformed_url', 'the path is not valid percent-encoding'],
  FST_ERR_MAX_PARAM_LENGTH: [404, 'not_found', 'there is nothing of so long a name'],
};

export function installErrorHandling(app: FastifyInstance): void {
  const routes = rememberRoutes(app);
  const nothingThere = (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const path = request.url.split('?', 1)[0] ?? '';
    const allowed = routes.methodsOf(path);
    if (allowed.length === 0) {
      return sendProblem(reply, request, 404, [item('not_found', null, `there is nothing at ${shorten(path)}`)]);
    }
    void reply.header('allow', allowed.join(', '));
    const message = `${request.method} is not possible here; ${allowed.join(', ')} is`;
    return sendProblem(reply, request, 405, [item('method_not_allowed', null, message)]);
  };
  app.setNotFoundHandler(nothingThere);
  app.setErrorHandler((error: unknown, request, reply) => {
    // What Fastify finds wrong with a request that leads nowhere (QUERY without a type) says less than that it does.
    const leadsNowhere = request.is404 && !(error instanceof SkewlessError);
    return leadsNowhere ? nothingThere(request, reply) : sendError(error, request, reply);
  });
}

export function sendError(thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { status, items, more } = refusalOf(thrown, request, reply);
  return sendProblem(reply, request, status, items, more);
}

/** What is to be said of what was thrown; logs faults of ours, and says in a header when to try again. */
export function refusalOf(thrown: unknown, request: FastifyRequest, reply: FastifyReply): RequestError {
  if (thrown instanceof RequestError) {
    if (thrown.retryAfterSeconds !== null) void reply.header('retry-after', String(thrown.retryAfterSeconds));
    return thrown;
  }
  const error = thrown as Partial<FastifyError>;
  if (error.validation !== undefined) {
    const errors = error.validation as unknown as readonly ErrorObject[];
    return new RequestError(400, itemsOf(errors, error.validationContext ?? 'body'), null, unlisted(errors.length));
  }
  const known = FRAMEWORK_ERRORS[error.code ?? ''];
  if (known !== undefined) {
    const [status, code, message] = known;
    return new RequestError(status, [item(code, null, message)]);
  }
  if (thrown instanceof SkewlessError && thrown.retryable) {
    void reply.header('retry-after', '1');
    request.log.warn({ err: thrown, request_id: request.id }, 'a dependency cannot be reached');
    return new RequestError(503, [item(thrown.code, null, thrown.message)]);
  }
  const status = error.statusCode ?? 500;
  if (status >= 400 && status < 500) {
    return new RequestError(status, [item('bad_request', null, error.message ?? 'the request is wrong')]);
  }
  request.log.error({ err: thrown, request_id: request.id }, 'a request failed');
  return new RequestError(500, [item('internal', null, 'something failed inside the server')]);
}

export function sendProblem(
  reply: FastifyReply,
  request: FastifyRequest,
  status: number,
  items: readonly ProblemItem[],
  more = 0,
): FastifyReply {
  return reply
    .code(status)
    .type(PROBLEM_TYPE)
    .send(JSON.stringify(problemOf(status, items, request.id, more)));
}

/** Answers what never became a request, such as a header that is too long. */
export function answerClientError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const [status, code, message] =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? ([408, 'request_timeout', 'the request took too long to arrive'] as const)
      : error.code === 'HPE_HEADER_OVERFLOW'
        ? ([431, 'headers_too_large', 'the request line and headers are too large'] as const)
        : ([400, 'malformed_request', 'not an HTTP request'] as const);
  const problem = problemOf(status, [item(code, null, message)], '');
  const body = JSON.stringify(problem);
  if (socket.writable) {
    socket.end(
      `HTTP/1.1 ${status} ${problem.title}\r\nconnection: close\r\ncontent-length: ${Buffer.byteLength(body)}\r\n` +
        `content-type: ${PROBLEM_TYPE}\r\n\r\n${body}`,
    );
  } else socket.destroy();
}

interface Routes {
  /** Methods of the routes whose pattern matches a path, sorted. */
  methodsOf(path: string): readonly string[];
}

/** Tells 405 from 404: which methods a path has. */
function rememberRoutes(app: FastifyInstance): Routes {
  const patterns: { readonly path: RegExp; readonly methods: readonly string[] }[] = [];
  app.addHook('onRoute', ({ url, method }) => {
    if (url.includes('*')) return;
    const path = new RegExp(`^${url.replaceAll(/[.+?^$()|[\]{}\\]/g, '\\$&').replaceAll(/:[a-z_]+/g, '[^/]+')}/?$`);
    patterns.push({ path, methods: [method].flat() });
  });
  return {
    methodsOf: (path) =>
      [...new Set(patterns.filter((route) => route.path.test(path)).flatMap((route) => route.methods))].toSorted(),
  };
}
