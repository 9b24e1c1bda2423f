/** Holds an answer against what the OpenAPI document says the operation may answer: status, media type, schema. */
import { Ajv, type ValidateFunction } from 'ajv';
import type { FastifyInstance, InjectOptions } from 'fastify';
import { expect } from 'vitest';

interface Operation {
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: object }>> }>
  >;
}
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Component>> };
}
interface Component {
  readonly properties?: Readonly<Record<string, { readonly 'x-codes'?: Readonly<Record<string, object>> }>>;
}

const AJVS = new WeakMap<FastifyInstance, Ajv>();
const VALIDATORS = new WeakMap<object, ValidateFunction>();

export function conformsTo(
  app: FastifyInstance,
  request: InjectOptions & { readonly url: string },
  answer: {
    readonly status: number;
    readonly headers: Readonly<Record<string, unknown>>;
    readonly json: unknown;
    readonly text: string;
  },
): void {
  const document = app.swagger() as unknown as Document;
  const path = request.url.split('?')[0] ?? '';
  const operation = findOperation(document, path, (request.method ?? 'GET').toLowerCase());
  if (operation === null) return;
  const declared = operation.responses[String(answer.status)];
  expect(declared, `${request.method} ${path} declares ${answer.status}`).toBeDefined();
  const mediaType = String(answer.headers['content-type']).split(';')[0] ?? '';
  const schema = declared?.content?.[mediaType]?.schema;
  expect(schema, `${request.method} ${path} declares ${answer.status} ${mediaType}`).toBeDefined();
  if (schema === undefined) return;
  const validate = validatorOf(app, document, schema);
  expect(
    validate(answer.json ?? answer.text) ? [] : validate.errors,
    `${request.method} ${path} ${answer.status}`,
  ).toEqual([]);
  const codes = document.components.schemas['ProblemItem']?.properties?.['code']?.['x-codes'] ?? {};
  for (const { status, code } of problemsIn(answer)) {
    expect(Object.keys(codes[status] ?? {}), `codes of ${status}, ${path}`).toContain(code);
  }
}

interface Problems {
  readonly code?: string;
  readonly errors?: readonly { readonly code: string }[];
  readonly vectors?: readonly { readonly error?: { readonly code: string } }[];
  readonly rows?: readonly { readonly error?: { readonly code: string } }[];
}

/** Of a problem, and of rows that are wrong: these are as a request of their own that is. */
function problemsIn({ status, json }: { readonly status: number; readonly json: unknown }) {
  const { code, errors = [], vectors = [], rows = [] } = (json ?? {}) as Problems;
  if (status === 200) {
    return [...vectors, ...rows].flatMap(({ error }) => (error ? [{ status: 400, code: error.code }] : []));
  }
  return [...(code === undefined ? [] : [code]), ...errors.map((each) => each.code)].map((each) => ({
    status,
    code: each,
  }));
}

function findOperation({ paths }: Document, path: string, method: string): Operation | null {
  for (const [pattern, operations] of Object.entries(paths)) {
    if (new RegExp(`^${pattern.replaceAll(/\{[a-z_]+\}/g, '[^/]+')}$`).test(path)) return operations[method] ?? null;
  }
  return null;
}

function validatorOf(app: FastifyInstance, document: Document, schema: object): ValidateFunction {
  let ajv = AJVS.get(app);
  if (ajv === undefined) {
    ajv = new Ajv({ strict: false, allErrors: true });
    for (const [name, component] of Object.entries(document.components.schemas)) {
      ajv.addSchema(component, `#/components/schemas/${name}`);
    }
    AJVS.set(app, ajv);
  }
  let validate = VALIDATORS.get(schema);
  if (validate === undefined) {
    validate = ajv.compile(schema);
    VALIDATORS.set(schema, validate);
  }
  return validate;
}
