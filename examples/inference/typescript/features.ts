/**
 * Features for a model, over the generated client: a request has a time limit, what may be tried again is, and what comes back is
 * a matrix. A value that is not there is NaN.
 */
import createClient from 'openapi-fetch';
import type { components, paths } from './skewless.ts';

export interface Connection {
  readonly url: string;
  readonly key?: string;
  /** Of a request with all of its attempts. */
  readonly timeoutMs: number;
  readonly attempts: number;
}

export interface Features {
  readonly names: readonly string[];
  readonly rows: number;
  /** Row after row, `names.length` values each. */
  readonly matrix: Float64Array;
  /** What is stale, withheld or refused, by row; empty where all is well. */
  readonly issues: ReadonlyMap<number, Readonly<Record<string, string>>>;
}

export type Entity = Record<string, string | number | boolean | null>;

export class FeatureError extends Error {
  readonly problem: components['schemas']['Problem'] | null;

  constructor(message: string, problem: components['schemas']['Problem'] | null) {
    super(message);
    this.name = 'FeatureError';
    this.problem = problem;
  }
}

/** Vectors come as Arrow, too, where they are asked for so. */
type Json = 'application/json' | 'application/problem+json';

const WAIT_FIRST_MS = 50;
/** The server is busy or away, or the key has asked too often. */
const TRANSIENT = new Set([429, 502, 503, 504]);

export function createFeatures({ url, key, timeoutMs, attempts }: Connection) {
  const client = createClient<paths, Json>({
    baseUrl: url,
    fetch: (request) => patiently(request, attempts),
    ...(key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } }),
  });
  return async (service: string, entities: Entity[], features?: string[]): Promise<Features> => {
    const { data, error } = await client.POST('/v1/feature-services/{service}/vectors', {
      params: { path: { service } },
      body: { entities, layout: 'columns', budget_ms: timeoutMs, ...(features === undefined ? {} : { features }) },
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (error !== undefined) throw new FeatureError(error.detail, error);
    const columns = data.columns ?? {};
    const matrix = new Float64Array(entities.length * data.features.length);
    for (const [at, name] of data.features.entries()) {
      const column = columns[name] ?? [];
      for (let row = 0; row < entities.length; row++) matrix[row * data.features.length + at] = numberOf(column[row]);
    }
    const issues = (data.rows ?? []).flatMap(({ issues, error }, row) => {
      const told = error === undefined ? issues : { ...issues, [error.pointer ?? '']: error.message };
      return told === undefined ? [] : [[row, told] as const];
    });
    return { names: data.features, rows: entities.length, matrix, issues: new Map(issues) };
  };
}

function numberOf(value: unknown): number {
  return typeof value === 'number' || typeof value === 'boolean' ? Number(value) : Number.NaN;
}

/** Reading twice does no harm. Waits as long as the server says, else a little longer each time; the request's signal ends it. */
async function patiently(request: Request, attempts: number): Promise<Response> {
  for (let attempt = 1; ; attempt++) {
    const last = attempt >= attempts;
    const response = await fetch(request.clone()).catch((error: unknown) => {
      if (last || request.signal.aborted) throw error;
      return null;
    });
    if (response !== null && (last || !TRANSIENT.has(response.status))) return response;
    const told = Number(response?.headers.get('retry-after') ?? Number.NaN) * 1_000;
    const waitMs = Number.isFinite(told) ? told : WAIT_FIRST_MS * 2 ** (attempt - 1) * (1 + Math.random());
    await response?.body?.cancel();
    await sleep(waitMs, request.signal);
  }
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const give = (): void => reject(signal.reason as Error);
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', give);
      resolve();
    }, ms);
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        give();
      },
      { once: true },
    );
  });
}
