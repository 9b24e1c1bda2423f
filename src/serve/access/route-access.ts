/**
 * What each operation asks of a key, declared beside its route as `config: { access: … }`. A route without it does not
 * start. The same declaration is what the OpenAPI document says of the operation.
 */
import type { FastifyInstance, FastifySchema, RouteOptions } from 'fastify';
import { problemResponse } from '../schemas.ts';

export type RouteAccess =
  /** No key: probes. */
  | { readonly kind: 'open' }
  /** Any key; the answer holds what it may see. */
  | { readonly kind: 'key' }
  /** `read:<service>` or `ingest:<source>`, of the name in this parameter of the path. */
  | { readonly kind: 'read'; readonly parameter: 'service' }
  | { readonly kind: 'ingest'; readonly parameter: 'source' }
  /** The same of a name in the body: a key before the body is read, and the scope, asked for by whoever reads it. */
  | { readonly kind: 'body'; readonly scope: string }
  | { readonly kind: 'admin' };

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: RouteAccess;
  }
}

export const OPEN: RouteAccess = { kind: 'open' };
export const ANY_KEY: RouteAccess = { kind: 'key' };
export const READ_SERVICE: RouteAccess = { kind: 'read', parameter: 'service' };
export const INGEST_SOURCE: RouteAccess = { kind: 'ingest', parameter: 'source' };
export const ADMIN: RouteAccess = { kind: 'admin' };

/** Name of the scheme in the OpenAPI document. */
export const SECURITY_SCHEME = 'key';

/** To be called before routes are registered. */
export function requireDeclaredAccess(app: FastifyInstance): void {
  const routes: RouteOptions[] = [];
  app.addHook('onRoute', (route) => {
    routes.push(route);
    const access = route.config?.access;
    if (access !== undefined && route.schema !== undefined) route.schema = documented(route.schema, access);
  });
  // Not before all is registered: the routes of a plugin are given theirs by the scope around it.
  app.addHook('onReady', async () => {
    const bare = routes.filter(({ config }) => config?.access === undefined);
    if (bare.length === 0) return;
    const listed = bare.map(({ method, url }) => `${[method].flat().join(', ')} ${url}`).join('; ');
    throw new Error(`declare what a key needs for it, as config: { access: … }, beside the route of ${listed}`);
  });
}

function documented(schema: FastifySchema, access: RouteAccess): FastifySchema {
  if (schema.hide === true) return schema;
  if (access.kind === 'open') return { ...schema, security: [] };
  const scopes = scopesOf(access);
  const needs =
    scopes.length === 0 ? 'Needs a key; the answer holds what it may see.' : `Needs a key with \`${scopes[0]}\`.`;
  const refusals = access.kind === 'key' ? [401, 429] : [401, 403, 429];
  return {
    ...schema,
    description: `${schema.description ?? ''}\n\n${needs}`,
    security: [{ [SECURITY_SCHEME]: scopes }],
    response: {
      ...Object.fromEntries(refusals.map((status) => [status, problemResponse(status)])),
      ...(schema.response as object),
    },
  };
}

function scopesOf(access: RouteAccess): string[] {
  switch (access.kind) {
    case 'read':
    case 'ingest':
      return [`${access.kind}:{${access.parameter}}`];
    case 'body':
      return [access.scope];
    case 'admin':
      return ['admin'];
    case 'open':
    case 'key':
      return [];
  }
}
