/** Schemas that several operations share, and how an operation declares what it may answer. */
import { type TSchema, type TUnsafe, Type } from 'typebox';
import { STATUSES } from '../core/status.ts';
import { type ProblemItem, item, problemOf } from './problem.ts';
import { PROBLEM_CODES } from './problem-codes.ts';

const ProblemItemSchema = Type.Object(
  {
    code: Type.String({
      description: 'snake_case, stable; `x-codes` has all, by status. Of `/readyz` also what a source failed with',
      'x-codes': PROBLEM_CODES,
    }),
    pointer: Type.Unsafe<string | null>({
      type: ['string', 'null'],
      description: 'JSON pointer into the body; `/query/…` or `/path/…` for parameters; null: the request as a whole',
    }),
    message: Type.String(),
    suggestion: Type.Unsafe<string | null>({
      type: ['string', 'null'],
      description: 'The nearest thing that is right',
    }),
  },
  { $id: 'ProblemItem', additionalProperties: false },
);

const ProblemSchema = Type.Object(
  {
    type: Type.String({ description: '`urn:skewless:problem:<code>`' }),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String({ description: 'What all `errors` share, or `invalid_request`' }),
    detail: Type.String(),
    request_id: Type.String({ description: 'Also in the header `x-request-id`' }),
    errors: Type.Array(reference('ProblemItem'), { description: 'Every problem of the request, at most 1,000' }),
  },
  { $id: 'Problem', additionalProperties: false, description: 'RFC 9457' },
);

const StatusSchema = Type.Unsafe<string>({
  $id: 'Status',
  type: 'string',
  enum: [...STATUSES],
  description:
    'Whether a value is what it says, and if not, why. `PRESENT`, `NULL_VALUE` and `NOT_FOUND` are ordinary; every other one is listed in `issues`, asked for or not.',
});

export const SHARED_SCHEMAS: readonly TSchema[] = [ProblemItemSchema, ProblemSchema, StatusSchema];

export function reference(id: string): TSchema {
  return Type.Unsafe({ $ref: `${id}#` });
}

interface ProblemDocumentation {
  readonly description: string;
  readonly example: ProblemItem;
}

const PROBLEMS: Readonly<Record<number, ProblemDocumentation>> = {
  400: {
    description: 'The request is wrong; `errors` says all that is.',
    example: item('missing_key', '/entities/0/origin', 'the entity key origin (string) is missing'),
  },
  401: {
    description: 'No key, or one that is not known here or has expired; see the header `www-authenticate`.',
    example: item('unauthenticated', null, 'send a key, as the header authorization: Bearer <key>'),
  },
  403: {
    description:
      'The key may not do this with a thing that it may see. Of what it may not see it is told 404, as of what is not there.',
    example: item('forbidden', null, 'this needs a key with the scope ingest:departures'),
  },
  404: {
    description: 'There is nothing of that name; `errors[0].suggestion` is the nearest.',
    example: item(
      'unknown_service',
      '/path/service',
      'there is no feature service "departure_dela"',
      'departure_delay',
    ),
  },
  406: {
    description: 'The header `accept` names nothing that is offered.',
    example: item(
      'not_acceptable',
      null,
      'vectors are answered as application/json or application/vnd.apache.arrow.stream, and accept names neither',
    ),
  },
  409: {
    description: 'The service has another fingerprint than the request names.',
    example: item(
      'fingerprint_mismatch',
      '/fingerprint',
      'departure_delay@1 has the fingerprint 9d5ed678fe57bcca610140957afab571: its definition is not the one this client was made for',
    ),
  },
  413: {
    description: 'The body is larger than 1 MiB.',
    example: item('body_too_large', null, 'the body is larger than 1 MiB; send fewer rows at a time'),
  },
  415: {
    description: 'The body is not `application/json`.',
    example: item('unsupported_media_type', null, 'send the body as content-type: application/json'),
  },
  429: {
    description:
      'The key, or the client, has made as many requests as its rate allows; see the headers `retry-after`, `ratelimit-limit`, `ratelimit-remaining` and `ratelimit-reset`.',
    example: item('rate_limited', null, 'more than 100/s requests; the header retry-after says when to try again'),
  },
  500: {
    description: 'Something failed inside the server; its log tells more, by `request_id`.',
    example: item('internal', null, 'something failed inside the server'),
  },
  503: {
    description: 'What the answer needs cannot be reached now; see the header `retry-after`.',
    example: item('store_unavailable', null, 'the state store could not be read'),
  },
};

const EXAMPLE_REQUEST_ID = '0b9f6a52-3c57-4d0f-9d6f-1f1f0a7c2e11';

interface Answer {
  readonly description: string;
  readonly schema: TSchema;
  readonly example: unknown;
}

/** The responses of an operation: what it answers, and the problems it can have (500 and 503 always). */
export function responses(
  answer: Answer,
  problemStatuses: readonly number[],
  status = 200,
  type = 'application/json',
): Record<number, unknown> {
  const { description, schema, example } = answer;
  const declared: Record<number, unknown> = {
    [status]: { description, content: { [type]: { schema, example } } },
  };
  for (const problemStatus of [...problemStatuses, 500, 503]) {
    declared[problemStatus] = problemResponse(problemStatus);
  }
  return declared;
}

/** A response that is a problem, as every operation declares it. */
export function problemResponse(status: number): object {
  const problem = PROBLEMS[status];
  if (problem === undefined) throw new Error(`say what a problem with status ${status} means`);
  const example = problemOf(status, [problem.example], EXAMPLE_REQUEST_ID);
  return {
    description: problem.description,
    content: { 'application/problem+json': { schema: reference('Problem'), example } },
  };
}

/** The one parameter of a path. */
export function pathParameter<Name extends string>(
  name: Name,
  description: string,
  example: string,
): TUnsafe<Readonly<Record<Name, string>>> {
  return Type.Unsafe(Type.Object({ [name]: Type.String({ description, examples: [example] }) }));
}
