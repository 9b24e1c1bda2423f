/**
 * JSON Schema validation of requests, and its errors as problem items. Bodies are never coerced and never trimmed:
 * a wrong type or an unknown field is a problem, named. Only query parameters, which are text, are read as their type.
 */
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { nearestName } from '../core/suggest.ts';
import { describe } from '../event/convert.ts';
import { KnownBody } from './json-body.ts';
import { ERRORS_MAX, type ProblemItem, item, pointerStep, shorten } from './problem.ts';

const OPTIONS = {
  allErrors: true,
  removeAdditional: false,
  useDefaults: true,
  verbose: true,
  strictTypes: false,
} as const;

export function createValidatorCompiler() {
  const bodies = new Ajv({ ...OPTIONS, coerceTypes: false });
  const parameters = new Ajv({ ...OPTIONS, coerceTypes: true });
  return ({ schema, httpPart }: { schema: unknown; httpPart?: string | undefined }) =>
    httpPart === 'body' ? compileBody(bodies, schema as BodySchema) : parameters.compile(schema as object);
}

type BodySchema = { readonly properties?: Readonly<Record<string, { readonly maxItems?: number }>> };

/** A list that is too long is refused without a look at what it holds; what is known is not looked at. */
function compileBody(ajv: Ajv, schema: BodySchema): ValidateFunction {
  const validate = ajv.compile(schema);
  const lists = Object.entries(schema.properties ?? {}).filter(([, { maxItems }]) => maxItems !== undefined);
  if (lists.length === 0) return validate;
  const isBounded = ajv.compile({
    properties: Object.fromEntries(lists.map(([name, { maxItems }]) => [name, { maxItems }])),
  });
  const validateBounded = (body: unknown): boolean => {
    if (body instanceof KnownBody) return true;
    const isSound = isBounded(body) && validate(body);
    validateBounded.errors = isBounded.errors ?? validate.errors;
    return isSound;
  };
  validateBounded.errors = null as ValidateFunction['errors'];
  return validateBounded as unknown as ValidateFunction;
}

/** `part` is `body`, `querystring` or `params`. Of the first `ERRORS_MAX`; the others are `unlisted`. */
export function itemsOf(errors: readonly ErrorObject[], part: string): ProblemItem[] {
  const prefix = part === 'body' ? '' : part === 'params' ? '/path' : '/query';
  return errors.slice(0, ERRORS_MAX).map((error) => itemOf(error, prefix));
}

function itemOf(error: ErrorObject, prefix: string): ProblemItem {
  const pointer = `${prefix}${error.instancePath}`;
  const name = pointer === '' ? 'the request body' : (pointer.split('/').at(-1) ?? '');
  const params = error.params as Readonly<Record<string, unknown>>;
  const param = (key: string): string => String(params[key]);
  switch (error.keyword) {
    case 'additionalProperties':
      return unknownField(error, pointer, param('additionalProperty'));
    case 'required':
      return item('missing_field', `${pointer}/${param('missingProperty')}`, `${param('missingProperty')} is missing`);
    case 'type': {
      const expected = [params['type']].flat().join(' or ');
      return item('invalid_type', pointer, `${name} must be ${expected}, found ${describe(error.data)}`);
    }
    case 'enum': {
      const allowed = (params['allowedValues'] as readonly unknown[]).map(String);
      const near = typeof error.data === 'string' ? nearestName(error.data, allowed) : null;
      return item('invalid_value', pointer, `${name} must be one of ${allowed.join(', ')}`, near);
    }
    case 'maxItems':
      return item(
        limitCode(pointer, 'too_many'),
        pointer,
        `${name} has ${countOf(error)} items, at most ${param('limit')} are allowed`,
      );
    case 'minItems':
      return item(limitCode(pointer, 'too_few'), pointer, `${name} is empty; at least ${param('limit')} is needed`);
    case 'uniqueItems':
      return item(
        'duplicate_item',
        `${pointer}/${Math.max(Number(param('i')), Number(param('j')))}`,
        `${name} says the same twice`,
      );
    case 'minimum':
    case 'maximum':
      return item('out_of_range', pointer, `${name} ${error.message ?? 'is out of range'}`);
    default:
      return item('invalid_value', pointer, `${name} ${error.message ?? 'is invalid'}`);
  }
}

function unknownField(error: ErrorObject, pointer: string, name: string): ProblemItem {
  const known = Object.keys((error.parentSchema as { properties?: object } | undefined)?.properties ?? {});
  const at = `${pointer}/${pointerStep(name)}`;
  const takes = known.length === 0 ? 'no fields' : known.join(', ');
  return item(
    'unknown_field',
    at,
    `${JSON.stringify(shorten(name))} is not a known field; known: ${takes}`,
    nearestName(name, known),
  );
}

/** `/entities` → `too_many_rows`; what else is counted is items. */
function limitCode(pointer: string, what: string): string {
  return pointer === '/entities' ? `${what}_rows` : pointer === '/events' ? `${what}_events` : `${what}_items`;
}

function countOf(error: ErrorObject): number {
  return Array.isArray(error.data) ? error.data.length : 0;
}
