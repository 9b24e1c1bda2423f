/**
 * Access, on every request, before its body is read: who is calling (401), whether too often (429), and whether it may
 * (403, or the 404 of a thing that is not there). Credentials come in `Authorization: Bearer` only.
 */
import rateLimit, { normalizeIP } from '@fastify/rate-limit';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../core/clock.ts';
import type { Definitions } from '../../definition/definition.ts';
import { findNamedOrRefuse, findOrRefuse } from '../lookup.ts';
import { RequestError, item } from '../problem.ts';
import { type Access, accessOf, fullAccess } from './access.ts';
import type { ApiKey, KeyRing } from './key-ring.ts';
import { type Rate, formatRate } from './rate.ts';
import { ANY_KEY, type RouteAccess, requireDeclaredAccess } from './route-access.ts';

/** The keys in force; another ring after the file has changed. */
export interface KeySource {
  readonly ring: KeyRing;
}

export interface AccessOptions {
  readonly definitions: Definitions;
  readonly clock: Clock;
  /** Null: nobody is asked for a key. */
  readonly keys: KeySource | null;
  /** Of a key without a rate of its own, or, where no keys are asked for, of a client address. Null: no limit. */
  readonly rate: Rate | null;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Not of requests to open routes. */
    access: Access;
    /** Null: nobody was asked for one. */
    apiKey: ApiKey | null;
  }
}

/** Keys, or client addresses, whose requests are counted; beyond it the one longest unseen is forgotten. */
const COUNTED_MAX = 10_000;
const CHALLENGE = 'Bearer realm="skewless"';
const BEARER = /^bearer +([^\s]+)$/i;

type Limit = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;

/** To be called before routes are registered. */
export async function installAccess(app: FastifyInstance, options: AccessOptions): Promise<void> {
  requireDeclaredAccess(app);
  app.decorateRequest('apiKey', null);
  const { keys, rate, definitions } = options;
  if (keys !== null) return askForKeys(app, options, keys, await createLimit(app, rate));
  const everything = fullAccess(definitions);
  app.decorateRequest('access', { getter: () => everything });
  if (rate === null) return;
  const limit = await createLimit(app, rate);
  app.addHook('onRequest', async (request, reply) => {
    if (neededBy(request).kind !== 'open') await limit(request, reply);
  });
}

function askForKeys(app: FastifyInstance, { definitions, clock, rate }: AccessOptions, keys: KeySource, limit: Limit) {
  app.decorateRequest<Access | null>('access', null);
  /** Goes with the key: after a change of the file there are others. */
  const accesses = new WeakMap<ApiKey, Access>();
  const admit = (request: FastifyRequest, reply: FastifyReply, needed: RouteAccess): Promise<void> | null => {
    const key = authenticate(request, reply, keys.ring, clock);
    let access = accesses.get(key);
    if (access === undefined) accesses.set(key, (access = accessOf(key.scopes, definitions)));
    request.apiKey = key;
    request.access = access;
    if (rate !== null || key.rate !== null) {
      return limit(request, reply).then(() => authorize(request, reply, needed, request.access));
    }
    authorize(request, reply, needed, access);
    return null;
  };
  // By a callback: a promise a request only to say yes would cost as much as the hash.
  app.addHook('onRequest', (request, reply, done) => {
    const needed = neededBy(request);
    if (needed.kind === 'open') return done();
    try {
      const limited = admit(request, reply, needed);
      if (limited === null) done();
      // oxlint-disable-next-line promise/no-callback-in-promise -- the hook ends by its callback, whichever way it went
      else limited.then(() => done(), done);
    } catch (refusal) {
      done(refusal as Error);
    }
  });
}

/** A path that leads nowhere tells that only to who has a key. */
function neededBy(request: FastifyRequest): RouteAccess {
  return request.routeOptions.config.access ?? ANY_KEY;
}

function authenticate(request: FastifyRequest, reply: FastifyReply, ring: KeyRing, clock: Clock): ApiKey {
  const { authorization } = request.headers;
  if (authorization === undefined) {
    throw unauthenticated(reply, '', 'unauthenticated', 'send a key, as the header authorization: Bearer <key>');
  }
  const text = BEARER.exec(authorization)?.[1];
  if (text === undefined) {
    const message = 'the header authorization is not of the form Bearer <key>';
    throw unauthenticated(reply, '', 'unauthenticated', message);
  }
  const found = ring.authenticate(text, clock.nowMs());
  if (found.kind === 'known') return found.key;
  const [code, message] =
    found.kind === 'expired'
      ? (['expired_key', `the key ${found.key.id} has expired`] as const)
      : (['invalid_key', 'the key is not known here; it may have been revoked'] as const);
  throw unauthenticated(reply, ', error="invalid_token"', code, message);
}

function unauthenticated(reply: FastifyReply, more: string, code: string, message: string): RequestError {
  void reply.header('www-authenticate', `${CHALLENGE}${more}`);
  return new RequestError(401, [item(code, null, message)]);
}

/**
 * Throws where the key may not. What it cannot see is refused by its name alone, so that whether there is such a thing
 * shows neither in the answer nor in the time it takes.
 */
function authorize(request: FastifyRequest, reply: FastifyReply, needed: RouteAccess, access: Access): void {
  switch (needed.kind) {
    case 'open':
    case 'key':
    case 'body':
      return;
    case 'admin':
      if (!access.admin) throw forbidden(reply, 'admin');
      return;
    case 'read': {
      const reference = parameterOf(request, needed.parameter);
      const [name = ''] = reference.split('@', 1);
      if (access.mayRead(name)) return;
      findOrRefuse(access.services, reference, 'feature service');
      throw forbidden(reply, `read:${name}`);
    }
    case 'ingest': {
      const name = parameterOf(request, needed.parameter);
      if (access.mayIngest(name)) return;
      findNamedOrRefuse(access.sources, name, 'source');
      throw forbidden(reply, `ingest:${name}`);
    }
  }
}

function parameterOf({ params }: FastifyRequest, name: string): string {
  return (params as Readonly<Record<string, string>>)[name] ?? '';
}

/** 403, with the scope that it takes. */
export function forbidden(reply: FastifyReply, scope: string): RequestError {
  void reply.header('www-authenticate', `${CHALLENGE}, error="insufficient_scope", scope="${scope}"`);
  return new RequestError(403, [item('forbidden', null, `this needs a key with the scope ${scope}`)]);
}

/** Counts in this process alone: a limit that all share would put a round trip into every request. */
async function createLimit(app: FastifyInstance, rate: Rate | null): Promise<Limit> {
  const rateOf = ({ apiKey }: FastifyRequest): Rate => {
    const own = apiKey?.rate ?? rate;
    if (own === null) throw new Error('a request without a rate is not counted');
    return own;
  };
  await app.register(rateLimit, {
    global: false,
    enableDraftSpec: true,
    cache: COUNTED_MAX,
    keyGenerator: ({ apiKey, ip }) => apiKey?.id ?? normalizeIP(ip),
    max: (request) => rateOf(request).requests,
    timeWindow: (request) => rateOf(request).windowMs,
    errorResponseBuilder: (request, { ttl }) => {
      const message = `more than ${formatRate(rateOf(request))} requests; the header retry-after says when to try again`;
      return new RequestError(429, [item('rate_limited', null, message)], Math.ceil(ttl / 1_000));
    },
  });
  const limit = app.rateLimit() as (
    this: FastifyInstance,
    request: FastifyRequest,
    reply: FastifyReply,
  ) => Promise<void>;
  return (request, reply) => limit.call(app, request, reply);
}
