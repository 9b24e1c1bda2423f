/**
 * What is wrong with a request, in the forms that Feast's SDK knows: a JSON string that names an exception, which the SDK raises
 * again, or FastAPI's list of what a request lacks. For all else Feast has no form, and the answer is a problem, as elsewhere.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { refusalOf, sendProblem } from '../../errors.ts';
import { ERRORS_MAX, type ProblemItem } from '../../problem.ts';
import { sendJson } from '../../send.ts';

/** By code; of the module `feast.errors`. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  unknown_service: 'FeatureServiceNotFoundException',
  unknown_view: 'FeatureViewNotFoundException',
  unknown_feature: 'SpecifiedFeaturesNotPresentError',
  unknown_source: 'PushSourceNotFoundException',
  duplicate_feature: 'FeatureNameCollisionError',
  forbidden: 'FeastPermissionError',
};
/** Where Feast has a form; what is 400 elsewhere is 422 here. */
const STATUSES: Readonly<Record<number, number>> = { 400: 422, 403: 403, 404: 404, 422: 422 };

export function sendFeastError(thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const { status, items } = refusalOf(thrown, request, reply);
  const shown = STATUSES[status];
  if (shown === undefined) return sendProblem(reply, request, status, items);
  return sendJson(reply.code(shown), exceptionOf(items) ?? { detail: items.slice(0, ERRORS_MAX).map(detailOf) });
}

/** Null where one of them is of no exception of Feast's. */
function exceptionOf(items: readonly ProblemItem[]): string | null {
  const names = items.map(({ code }) => EXCEPTIONS[code]);
  const [name] = names;
  if (name === undefined || names.includes(undefined)) return null;
  const message = items.slice(0, ERRORS_MAX).map(sentence).join('; ');
  return JSON.stringify({ module: 'feast.errors', class: name, message });
}

function detailOf(problem: ProblemItem): object {
  const steps = (problem.pointer ?? '').split('/').slice(1);
  const loc = steps.map((step) =>
    /^\d+$/.test(step) ? Number(step) : step.replaceAll('~1', '/').replaceAll('~0', '~'),
  );
  return { type: problem.code, loc: ['body', ...loc], msg: sentence(problem) };
}

function sentence({ message, suggestion }: ProblemItem): string {
  return suggestion === null ? message : `${message}; did you mean ${suggestion}?`;
}
