/** The JSON Schema that editors load is the one the loader validates against. Update with `vitest -u`. */
import { Ajv } from 'ajv';
import { expect, test } from 'vitest';
import { DEFINITIONS_SCHEMA } from '../../src/definition/schema.ts';
import { load } from './support.ts';

test('the published schema is the one the loader uses', async () => {
  const text = `${JSON.stringify(DEFINITIONS_SCHEMA, null, 2)}\n`;
  await expect(text).toMatchFileSnapshot('../../schema/definitions.schema.json');
});

interface Key {
  readonly path: string;
  readonly schema: Readonly<Record<string, unknown>>;
}

/** Keys of all mappings, wherever these are. */
function keysOf(schema: unknown, path = ''): readonly Key[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const { properties = {} } = schema as { properties?: Record<string, Key['schema']> };
  const own = Object.entries(properties).map(([key, property]) => ({ path: `${path}.${key}`, schema: property }));
  return [...own, ...Object.entries(schema).flatMap(([key, part]) => keysOf(part, `${path}.${key}`))];
}

const KEYS = keysOf(DEFINITIONS_SCHEMA);

test('every key that a definition may have says what is expected of it and what it is for', () => {
  expect(KEYS.length).toBeGreaterThan(80);
  for (const { path, schema } of KEYS) {
    const { $ref, if: branches, description, markdownDescription } = schema;
    expect([path, [$ref, branches, description].some((each) => each !== undefined)]).toEqual([path, true]);
    expect([path, markdownDescription]).toEqual([path, expect.stringMatching(/\.$/)]);
  }
});

test('examples and defaults of keys are values that they may have', () => {
  const ajv = new Ajv({ strict: true, allowUnionTypes: true, keywords: ['markdownDescription'] });
  ajv.addSchema(DEFINITIONS_SCHEMA, 'definitions');
  let examples = 0;
  for (const { path, schema } of KEYS) {
    const validate = ajv.compile({ ...inside(schema), definitions: DEFINITIONS_SCHEMA['definitions'] } as object);
    const said = [
      ...((schema['examples'] as unknown[] | undefined) ?? []),
      ...('default' in schema ? [schema['default']] : []),
    ];
    for (const value of said)
      expect([path, value, validate(value), validate.errors]).toEqual([path, value, true, null]);
    examples += said.length;
  }
  expect(examples).toBeGreaterThan(80);
});

/** Without what would make another schema of the same name. */
function inside({ $id: _id, ...schema }: Key['schema']): object {
  return schema;
}

const MINIMAL = {
  sources: [
    { name: 's', event_time: 't', key: { fields: ['k'] }, fields: { t: 'timestamp', k: { type: 'string' }, x: 'int' } },
  ],
  entities: [{ name: 'e', keys: { k: 'string' } }],
  views: [
    {
      name: 'v',
      entity: 'e',
      source: 's',
      features: [{ name: 'f', agg: 'last', of: 'x', windows: [{ length: '1h' }] }],
    },
  ],
  services: [{ name: 'r', features: ['v.*'], inputs: { i: { type: 'int' } } }],
};

test('a default is what absence means: said or not, definitions are the same', () => {
  const { sources, views, services } = MINIMAL;
  const [source, view, service] = [sources[0], views[0], services[0]] as const;
  const defaults = (name: string): object => defaultsOf(`.definitions.${name}`);
  const said = {
    entities: MINIMAL.entities,
    sources: [
      {
        ...defaults('source'),
        ...source,
        key: { ...defaultsOf('.definitions.record_key.then'), fields: ['k'] },
        fields: { ...source?.fields, k: { ...defaultsOf('.definitions.field.then'), type: 'string' } },
      },
    ],
    views: [
      {
        ...defaults('view'),
        ...view,
        features: view?.features.map((feature) => ({
          ...defaults('feature'),
          ...feature,
          windows: [{ ...defaultsOf('.definitions.window.then'), length: '1h' }],
        })),
      },
    ],
    services: [
      {
        ...defaults('service'),
        ...service,
        inputs: { i: { ...defaultsOf('.definitions.typed.then'), type: 'int' } },
      },
    ],
  };
  expect(Object.keys(said.sources[0] ?? {}).length).toBeGreaterThan(10);
  expect(plain(load(JSON.stringify(said)))).toBe(plain(load(JSON.stringify(MINIMAL))));
});

function defaultsOf(mapping: string): Readonly<Record<string, unknown>> {
  const own = KEYS.filter(
    ({ path, schema }) => path.slice(0, path.lastIndexOf('.')) === mapping && 'default' in schema,
  );
  return Object.fromEntries(own.map(({ path, schema }) => [path.slice(path.lastIndexOf('.') + 1), schema['default']]));
}

/** Maps too; functions of expressions come of the same texts. */
function plain(definitions: unknown): string {
  return JSON.stringify(definitions, (_key, value: unknown) => {
    if (value instanceof Map) return [...value];
    return typeof value === 'bigint' ? String(value) : value;
  });
}
