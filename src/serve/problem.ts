/**
 * What goes wrong with a request, as RFC 9457 problems: one shape for every error that leaves this process. Codes are
 * snake_case and stable; `errors` lists every problem of the request at once.
 */
import { STATUS_CODES } from 'node:http';
import { SkewlessError } from '../core/errors.ts';

export interface ProblemItem {
  readonly code: string;
  /** JSON pointer into the body (`/entities/0/origin`); `/query/…` or `/path/…` for parameters; null: the request. */
  readonly pointer: string | null;
  readonly message: string;
  readonly suggestion: string | null;
}

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly request_id: string;
  readonly errors: readonly ProblemItem[];
}

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';
/** More problems than this are counted, and neither listed nor put into words: a small request can have a million. */
export const ERRORS_MAX = 1_000;

/** How many of so many problems are not listed. */
export function unlisted(count: number): number {
  return Math.max(0, count - ERRORS_MAX);
}

/** Thrown by handlers to answer with a problem. */
export class RequestError extends SkewlessError {
  readonly status: number;
  readonly items: readonly ProblemItem[];
  /** Problems beyond the items. */
  readonly more: number;
  /** Whole seconds after which trying again makes sense, or null. */
  readonly retryAfterSeconds: number | null;

  constructor(status: number, items: readonly ProblemItem[], retryAfterSeconds: number | null = null, more = 0) {
    super(codeOf(items), items[0]?.message ?? 'the request failed', { retryable: status === 503 });
    this.name = 'RequestError';
    this.status = status;
    this.items = items;
    this.more = more;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** One problem of a request. */
export function item(
  code: string,
  pointer: string | null,
  message: string,
  suggestion: string | null = null,
): ProblemItem {
  return { code, pointer, message, suggestion };
}

/** `more`: problems beyond the items. */
export function problemOf(status: number, items: readonly ProblemItem[], requestId: string, more = 0): Problem {
  const code = codeOf(items);
  return {
    type: `urn:skewless:problem:${code}`,
    title: STATUS_CODES[status] ?? 'Error',
    status,
    code,
    detail: detailOf(items, items.length + more),
    request_id: requestId,
    errors: items.slice(0, ERRORS_MAX),
  };
}

/** The code that all share, or `invalid_request`. */
function codeOf(items: readonly ProblemItem[]): string {
  const [first] = items;
  if (first === undefined) return 'internal';
  return items.every(({ code }) => code === first.code) ? first.code : 'invalid_request';
}

function detailOf(items: readonly ProblemItem[], count: number): string {
  const [first] = items;
  if (first === undefined) return 'Something failed inside the server.';
  const hint = first.suggestion === null ? '' : `; did you mean ${first.suggestion}?`;
  const more = count === 1 ? '' : ` (and ${count - 1} more)`;
  const omitted = count > ERRORS_MAX ? `; the first ${ERRORS_MAX} are listed` : '';
  return `${first.message}${hint}${more}${omitted}`;
}

/** One step of a JSON pointer, escaped as RFC 6901 says. */
export function pointerStep(name: string): string {
  return shorten(name).replaceAll('~', '~0').replaceAll('/', '~1');
}

const SHOWN_MAX = 80;

/** What somebody sent, for a message: cut where it is a book. */
export function shorten(text: string): string {
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text;
}
