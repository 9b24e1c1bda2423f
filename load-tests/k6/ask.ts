/** Requests, and what is made of their answers. */
import { check } from 'k6';
import http, { type RefinedResponse, type ResponseType } from 'k6/http';
import { Counter } from 'k6/metrics';
import { run } from './plan.ts';

/** Iterations whose answers were all right. */
const answeredCounter = new Counter('answered');
export type ResponseCallback = ReturnType<typeof http.expectedStatuses>;

const JSON_HEADERS = { 'content-type': 'application/json' };
/** Longer than any answer may take; a server that hangs holds a virtual user no longer. */
const TIMEOUT = '5s';

export interface Answer {
  readonly status: number;
  /** Null where the body is not JSON. */
  readonly body: Readonly<Record<string, unknown>> | null;
}

/** `endpoint`: what budgets call it. `expected`: statuses that are no failures; those below 400 unless told. */
export function post(endpoint: string, path: string, body: object, expected: ResponseCallback | null = null): Answer {
  const callback = expected === null ? {} : { responseCallback: expected };
  const params = { headers: JSON_HEADERS, tags: { endpoint, name: endpoint }, timeout: TIMEOUT, ...callback };
  return answerOf(http.post(`${run.url}${path}`, JSON.stringify(body), params));
}

export function get(endpoint: string, path: string): Answer {
  return answerOf(http.get(`${run.url}${path}`, { tags: { endpoint, name: endpoint }, timeout: TIMEOUT }));
}

export function postVectors(
  endpoint: string,
  service: string,
  body: object,
  expected: ResponseCallback | null = null,
): Answer {
  return post(endpoint, `/v1/feature-services/${service}/vectors`, body, expected);
}

function answerOf({ status, body }: RefinedResponse<ResponseType>): Answer {
  try {
    return { status, body: JSON.parse(body as string) as Record<string, unknown> };
  } catch {
    return { status, body: null };
  }
}

/** Checks with these names, and counts the iteration where all of them hold. */
export function settle(results: Readonly<Record<string, boolean>>): void {
  const checks = Object.fromEntries(Object.entries(results).map(([name, holds]) => [name, () => holds]));
  if (check(null, checks)) answeredCounter.add(1);
}
