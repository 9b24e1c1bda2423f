/**
 * The reference of the API, from its OpenAPI document. Generators of Markdown repeat every problem and example with each operation:
 * fifteen times as long, and nobody would read it.
 */
import { code, link, table } from './markdown.ts';

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly description?: string;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly 'x-codes'?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}
interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly description?: string;
  readonly example?: unknown;
  readonly schema: Schema;
}
interface Body {
  readonly content?: Readonly<Record<string, { readonly schema: Schema; readonly example?: unknown }>>;
}
interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly tags: readonly string[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: Body;
  readonly responses: Readonly<Record<string, Body & { readonly description: string }>>;
}
export interface Document {
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

const HEAD = `# Reference: API

Generated from [\`openapi/openapi.json\`](../../openapi/openapi.json) by \`npm run reference\`; a test fails where it is another. A server shows the
same document at \`/docs\`, to be tried, and at \`/openapi.json\`. How it is kept right is told in [api.md](../api.md), keys and scopes in [security.md](../security.md),
bounds in [limits.md](../limits.md).

A field of a field is written \`a.b\`, one of each item of a list \`a[].b\`.`;

export function apiPage(document: Document): string {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ heading: `${method.toUpperCase()} ${path}`, operation })),
  );
  const overview = table(
    ['operation', 'id', 'does'],
    operations.map(({ heading, operation }) => [
      link(heading, heading),
      code(operation.operationId),
      operation.summary,
    ]),
  );
  const answers = answersOnce();
  const sections = document.tags.map(({ name, description }) => {
    const own = operations.filter(({ operation }) => operation.tags.includes(name));
    const texts = own.map(
      ({ heading, operation }) => `### ${heading}\n\n${operationText(document, operation, answers(heading))}`,
    );
    return `## ${description}\n\n${texts.join('\n\n')}`;
  });
  return `${[HEAD, overview, ...sections, problemsText(document)].join('\n\n')}\n`;
}

/** What an earlier operation answers, too, is told there. */
function answersOnce(): (heading: string) => (answer: string) => string {
  const told = new Map<string, string>();
  return (heading) => (answer) => {
    const earlier = told.get(answer);
    if (earlier !== undefined) return `Answer: as that of ${link(earlier, earlier)}.`;
    if (answer !== '') told.set(answer, heading);
    return answer;
  };
}

function operationText(document: Document, operation: Operation, once: (answer: string) => string): string {
  const { summary, description, parameters = [], requestBody, responses } = operation;
  const parts = [`**${summary}.** ${description ?? ''}`.trim()];
  if (parameters.length > 0) parts.push(parametersText(parameters));
  if (requestBody !== undefined) parts.push(bodyText(document, 'Request', requestBody, true));
  for (const [status, answer] of Object.entries(responses)) {
    if (!status.startsWith('2')) continue;
    parts.push(`**${status}.** ${answer.description}`, once(bodyText(document, 'Answer', answer, false)));
  }
  const problems = Object.keys(responses).filter((status) => !status.startsWith('2'));
  parts.push(`${link('Problems', 'Problems')}: ${problems.join(', ')}`);
  return parts.filter((part) => part !== '').join('\n\n');
}

function parametersText(parameters: readonly Parameter[]): string {
  return table(
    ['parameter', 'in', 'is', 'default', 'meaning', 'example'],
    parameters.map(({ name, in: where, required = false, schema, description, example }) => [
      code(name),
      where,
      typeText(schema),
      required ? 'required' : 'default' in schema ? code(schema.default) : '–',
      description ?? '',
      example === undefined ? '' : code(example),
    ]),
  );
}

function bodyText(document: Document, title: string, { content = {} }: Body, withExample: boolean): string {
  return Object.entries(content)
    .map(([type, { schema, example }]) => {
      const fields = fieldsOf(document, schema, '', withExample);
      const said =
        withExample && example !== undefined ? `\n\n\`\`\`json\n${JSON.stringify(example, null, 2)}\n\`\`\`` : '';
      if (fields.length === 0) return `${title} (\`${type}\`): ${schema.description ?? typeText(schema)}.${said}`;
      return `${title} (\`${type}\`):\n\n${table(['field', 'is', withExample ? 'default' : 'there', 'meaning'], fields)}${said}`;
    })
    .join('\n\n');
}

/** Rows for all fields, of nested ones too. */
function fieldsOf(document: Document, schema: Schema, prefix: string, isRequest: boolean): readonly string[][] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, given]): readonly string[][] => {
    const property = resolved(document, given);
    const isRequired = schema.required?.includes(name) ?? false;
    const optional = 'default' in property ? code(property.default) : isRequest ? '–' : 'at times';
    const row = [
      code(`${prefix}${name}`),
      given.$ref === undefined ? typeText(property) : refText(given.$ref),
      isRequired ? (isRequest ? 'required' : 'always') : optional,
      given.$ref === undefined ? (property.description ?? '') : '',
    ];
    if (given.$ref !== undefined) return [row];
    const inner = property.items === undefined ? property : resolved(document, property.items);
    if (property.items?.$ref !== undefined) return [row];
    return [
      row,
      ...fieldsOf(document, inner, `${prefix}${name}${property.items === undefined ? '' : '[]'}.`, isRequest),
    ];
  });
}

/** Components have sections of their names. */
function refText(ref: string): string {
  const name = ref.split('/').at(-1) ?? '';
  return link(name, name);
}

function resolved({ components }: Document, schema: Schema): Schema {
  return schema.$ref === undefined ? schema : (components.schemas[schema.$ref.split('/').at(-1) ?? ''] as Schema);
}

function typeText(schema: Schema): string {
  if (schema.$ref !== undefined) return refText(schema.$ref);
  if (schema.enum !== undefined) return schema.enum.map(code).join(', ');
  const types = [schema.type ?? 'anything'].flat();
  const names = types.map((type) =>
    type === 'array' && schema.items !== undefined ? `list of ${typeText(schema.items)}` : type,
  );
  const range = schema.minimum === undefined ? '' : `, ${schema.minimum} to ${schema.maximum ?? '…'}`;
  return `${names.join(' or ')}${range}`;
}

function problemsText(document: Document): string {
  const { Problem, ProblemItem, Status } = document.components.schemas;
  const codes = Object.entries(ProblemItem?.properties?.['code']?.['x-codes'] ?? {});
  return `## Problems

[RFC 9457](https://www.rfc-editor.org/rfc/rfc9457), as \`application/problem+json\`, with all that is wrong with the request at once. A row that is wrong by itself has
one of the items as its \`error\`, with a code of 400, and the request is answered with 200.

### Problem

${table(['field', 'is', 'there', 'meaning'], fieldsOf(document, Problem as Schema, '', false))}

### ProblemItem

${table(['field', 'is', 'there', 'meaning'], fieldsOf(document, ProblemItem as Schema, '', false))}

### Codes

${table(
  ['status', 'code', 'meaning'],
  codes.flatMap(([status, each]) => Object.entries(each).map(([name, meaning]) => [status, code(name), meaning])),
)}

### Status

Of a value. ${Status?.description ?? ''} [What each means](../DESIGN.md#3-semantics).

${(Status?.enum ?? []).map(code).join(' · ')}`;
}
