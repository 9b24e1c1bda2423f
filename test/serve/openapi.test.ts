import { join } from 'node:path';
import { Validator } from '@seriousme/openapi-schema-validator';
import { expect, test } from 'vitest';
import { startFlights } from './flights.ts';
import { startHarness } from './harness.ts';

const FILE = join(import.meta.dirname, '../../openapi/openapi.json');
const DEFINITIONS = `
sources:
  - { name: s, topic: s, format: json, key: [k], event_time: ts, fields: { k: string, ts: timestamp } }
`;

interface Operation {
  readonly operationId?: string;
  readonly tags?: readonly string[];
  readonly summary?: string;
  readonly description?: string;
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, { example?: unknown }>> }>>;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly example?: string | number;
  }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { example?: unknown }>> };
}

async function served(): Promise<{ paths: Record<string, Partial<Record<'get' | 'post', Operation>>> }> {
  const { get } = await startHarness({ definitions: DEFINITIONS, materialize: false });
  return (await get('/openapi.json')).json as Awaited<ReturnType<typeof served>>;
}

test('the committed document is the one served (npm run openapi writes it)', async () => {
  await expect(`${JSON.stringify(await served(), null, 2)}\n`).toMatchFileSnapshot(FILE);
});

test('the document is valid OpenAPI 3.1', async () => {
  const result = await new Validator().validate(await served());
  expect(result).toMatchObject({ valid: true });
});

test('every operation says what it does, shows an example, and declares the problems it can have', async () => {
  const { paths } = await served();
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ at: `${method} ${path}`, operation })),
  );
  expect(operations.length).toBeGreaterThanOrEqual(11);
  for (const { at, operation } of operations) {
    expect(operation.operationId, at).toBeTruthy();
    expect(operation.summary, at).toBeTruthy();
    expect(operation.description, at).toBeTruthy();
    expect(Object.values(operation.responses['200']?.content ?? {})[0]?.example, at).toBeDefined();
    for (const [status, { content }] of Object.entries(operation.responses)) {
      // Arrow is bytes.
      const texts = Object.entries(content ?? {}).filter(([type]) => type.includes('json'));
      for (const [type, { example }] of texts) expect(example, `${at} ${status} ${type}`).toBeDefined();
    }
    expect(operation.responses['500']?.content, at).toHaveProperty(['application/problem+json']);
    if (operation.requestBody !== undefined) {
      expect(operation.requestBody.content['application/json']?.example, at).toBeDefined();
      // Feast says 422 of what is 400 elsewhere, and of a push source that is not there.
      const invalid = operation.tags?.includes('feast') ? ['422'] : ['400', '404'];
      for (const status of [...invalid, '413', '415']) expect(operation.responses, at).toHaveProperty(status);
    }
  }
});

test('the example of every operation, sent as it is shown, is answered with 200', async () => {
  const { call } = await startFlights();
  for (const [pattern, methods] of Object.entries((await served()).paths)) {
    for (const [method, { parameters = [], requestBody }] of Object.entries(methods) as ['get' | 'post', Operation][]) {
      const query = new URLSearchParams();
      const headers: Record<string, string> = {};
      let path = pattern;
      for (const { name, in: place, example } of parameters) {
        if (place === 'header') headers[name] = String(example);
        else if (place === 'path') path = path.replace(`{${name}}`, String(example));
        else if (example !== undefined) query.set(name, String(example));
      }
      const payload = requestBody?.content['application/json']?.example as object | undefined;
      const answer = await call({
        method,
        url: `${path}?${query.toString()}`,
        headers,
        ...(payload === undefined ? {} : { payload }),
      });
      expect(answer.status, `${method} ${path} ${answer.text}`).toBe(200);
      if (path.endsWith('/events')) expect(answer.json).toMatchObject({ accepted: 1, rejected: [] });
      if (path.endsWith('/vectors')) expect(answer.json.vectors[0]).not.toHaveProperty('error');
    }
  }
});
