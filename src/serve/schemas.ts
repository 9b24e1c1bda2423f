/** Schemas that several operations share, and how an operation declares what it may answer. */
import { type TSchema, Type } from 'typebox';
import { STATUSES } from '../core/status.ts';

const ProblemItemSchema = Type.Object(
  {
    code: Type.String({ description: 'snake_case, stable' }),
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

const PROBLEMS: Readonly<Record<number, string>> = {
  400: 'The request is wrong; `errors` says all that is.',
  404: 'There is nothing of that name; `errors[0].suggestion` is the nearest.',
  405: 'The path exists, the method does not; see the header `allow`.',
  409: 'The service has another fingerprint than the request names.',
  413: 'The body is larger than 1 MiB.',
  415: 'The body is not `application/json`.',
  500: 'Something failed inside the server; the log tells more, by `request_id`.',
  503: 'What the answer needs cannot be reached now; see the header `retry-after`.',
};

interface Answer {
  readonly description: string;
  readonly schema: TSchema;
  readonly example: unknown;
}

/** The responses of an operation: what it answers, and the problems it can have (500 always). */
export function responses(answer: Answer, problemStatuses: readonly number[], status = 200): Record<number, unknown> {
  const { description, schema, example } = answer;
  const declared: Record<number, unknown> = {
    [status]: { description, content: { 'application/json': { schema, example } } },
  };
  for (const problemStatus of [...problemStatuses, 500]) {
    declared[problemStatus] = {
      description: PROBLEMS[problemStatus],
      content: { 'application/problem+json': { schema: reference('Problem') } },
    };
  }
  return declared;
}

/** A parameter in the path. */
export function pathParameter(name: string, description: string, example: string): TSchema {
  return Type.Object({ [name]: Type.String({ description, examples: [example] }) });
}
