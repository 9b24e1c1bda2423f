/**
 * The shape of a definitions file as a JSON Schema (draft 7): what the loader validates against and, word for word,
 * what `schema/definitions.schema.json` gives to editors. `description` is also what problems say was expected.
 * Alternatives are `if`/`then`/`else`, never `anyOf`: so a validator speaks of the branch that was meant.
 */

export type JsonSchema = { readonly [keyword: string]: unknown };

export const SCHEMA_ID = 'urn:skewless:definitions';

const ref = (name: string): JsonSchema => ({ $ref: `#/definitions/${name}` });
const described = (schema: JsonSchema, description: string): JsonSchema => ({ ...schema, description });

/** A mapping with exactly these keys. */
function mapping(
  description: string,
  required: readonly string[],
  properties: Readonly<Record<string, JsonSchema>>,
): JsonSchema {
  return { type: 'object', description, additionalProperties: false, required, properties };
}

/** A mapping from names (of the author's choosing) to one kind of value. */
function dictionary(description: string, names: JsonSchema, values: JsonSchema, countMax: number): JsonSchema {
  return { type: 'object', description, propertyNames: names, additionalProperties: values, maxProperties: countMax };
}

function list(description: string, items: JsonSchema, countMax: number): JsonSchema {
  return { type: 'array', description, items, minItems: 1, maxItems: countMax };
}

function choice(description: string, values: readonly string[]): JsonSchema {
  return { description, enum: values };
}

/** `mapped` for a mapping, `otherwise` for anything else. */
function either(mapped: JsonSchema, otherwise: JsonSchema): JsonSchema {
  // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
  return { if: { type: 'object' }, then: mapped, else: otherwise };
}

const PROSE = { description: described({ type: 'string', maxLength: 10_000 }, 'prose for the catalog') };
const TAGS = list(
  'tags',
  described({ type: 'string', pattern: '^[a-zA-Z0-9][a-zA-Z0-9._:/-]{0,62}$' }, 'a tag: letters, digits and . _ : / -'),
  64,
);
const DAY = described({ type: 'string', pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' }, 'a day such as 2026-12-31');
const DEPRECATED = mapping('what is given up: { on, sunset, use, reason }', ['on'], {
  on: DAY,
  sunset: DAY,
  use: described({ type: 'string', maxLength: 200 }, 'the name of what to read instead'),
  reason: described({ type: 'string', maxLength: 10_000 }, 'a text'),
});
const GOVERNED = { ...PROSE, tags: TAGS, deprecated: DEPRECATED };
const CATALOG = {
  ...PROSE,
  tags: TAGS,
  owner: described({ type: 'string', maxLength: 200 }, 'a team or person'),
  labels: ref('labels'),
};
const VERSION = described({ type: 'integer', minimum: 1, maximum: 1_000_000 }, 'a version: 1, 2, …');

const SOURCE = mapping('a source', ['name', 'event_time', 'fields'], {
  name: ref('name'),
  ...CATALOG,
  topic: described(
    { type: 'string', pattern: '^[a-zA-Z0-9._-]{1,249}$' },
    'a topic: 1 to 249 letters, digits, dots, underscores or hyphens',
  ),
  format: choice('json, or in the Confluent wire format: json_schema or avro', ['json', 'json_schema', 'avro']),
  mode: choice('append: each record is an event; upsert: each is the new row of its key', ['append', 'upsert']),
  envelope: choice('what rows are wrapped in: debezium', ['debezium']),
  archive: described(
    { type: 'string', minLength: 1, maxLength: 1_000 },
    "a folder, from the definitions' on, of what skewless archive keeps of the topic",
  ),
  key: ref('record_key'),
  partitioner: choice('how producers choose partitions', ['murmur2', 'crc32', 'unknown']),
  event_time: ref('field_name'),
  event_id: ref('field_name'),
  max_disorder: ref('duration'),
  max_ahead: ref('duration'),
  idle_after: ref('duration'),
  stale_after: ref('duration'),
  expiry_slack: ref('duration'),
  clock: choice('what "now" means for this stream', ['wall', 'watermark']),
  history: choice('complete: nothing happened before the first record', ['complete']),
  fields: { ...dictionary('field names and types', ref('field_name'), ref('field'), 1_000), minProperties: 1 },
  derive: dictionary('derived columns: names and expressions', ref('name'), ref('expression'), 500),
});

const ENTITY = mapping('an entity', ['name', 'keys'], {
  name: ref('name'),
  ...CATALOG,
  keys: { ...dictionary('key names and types', ref('name'), ref('type'), 16), minProperties: 1 },
});

const VIEW = mapping('a feature view', ['name', 'entity', 'source', 'features'], {
  name: ref('name'),
  version: VERSION,
  ...CATALOG,
  deprecated: DEPRECATED,
  entity: ref('name'),
  keys: dictionary("the entity's keys and the source columns that hold them", ref('name'), ref('field_name'), 16),
  source: ref('name'),
  where: ref('expression'),
  max_age: ref('duration'),
  history: ref('duration'),
  incomplete: choice('what to do with windows that begin before known history', ['withhold', 'serve']),
  head_max: described({ type: 'integer', minimum: 1, maximum: 100_000 }, 'events kept raw before sealing: 1 to 100000'),
  head_limit: described({ type: 'integer', minimum: 1, maximum: 1_000_000 }, 'events that force sealing: 1 to 1000000'),
  features: list('a list of features', ref('feature'), 1_000),
});

const FEATURE = mapping('a feature', ['name', 'agg'], {
  name: ref('name'),
  ...GOVERNED,
  owner: CATALOG.owner,
  agg: described({ type: 'string' }, 'the name of an aggregation'),
  of: either(
    { ...dictionary('member names and expressions', ref('name'), ref('expression'), 64), minProperties: 1 },
    ref('expression'),
  ),
  where: ref('expression'),
  windows: list('a list of windows', ref('window'), 64),
  default: { description: 'what is served instead of null' },
  n: described({ type: 'number' }, 'a number'),
  k: described({ type: 'number' }, 'a number'),
  q: described({ type: 'number' }, 'a number'),
  edges: list('a list of increasing numbers', described({ type: 'number' }, 'a number'), 1_000),
  keys_max: described({ type: 'number' }, 'a number'),
});

const SERVICE = mapping('a feature service', ['name', 'features'], {
  name: ref('name'),
  version: VERSION,
  ...CATALOG,
  deprecated: DEPRECATED,
  inputs: dictionary('input names and types', ref('name'), ref('typed'), 256),
  as_of: choice('whether requests must carry as_of', ['required', 'optional']),
  features: list('a list of view.*, view.feature or { view, keys, prefix, features }', ref('service_feature'), 1_000),
  derived: {
    type: 'array',
    description: 'a list of { name, expr }',
    maxItems: 500,
    items: mapping('a derived feature', ['name', 'expr'], { name: ref('name'), ...GOVERNED, expr: ref('expression') }),
  },
});

const NAME_PATTERN = '[a-z][a-z0-9]*(_[a-z0-9]+)*';

const DEFINITIONS: Readonly<Record<string, JsonSchema>> = {
  name: described(
    { type: 'string', pattern: `^${NAME_PATTERN}$`, maxLength: 63 },
    'a name: lower-case words and digits joined by single underscores, a letter first, at most 63 characters',
  ),
  field_name: described({ type: 'string', minLength: 1, maxLength: 255 }, 'the name of a field'),
  duration: described(
    { type: 'string', pattern: '^(0|[1-9][0-9]{0,14})(ms|s|m|h|d)$' },
    'a duration: one integer and ms, s, m, h or d, such as 15m',
  ),
  expression: described({ type: 'string', minLength: 1, maxLength: 4_096 }, 'the text of an expression'),
  labels: dictionary(
    'labels: a mapping of texts to texts',
    { type: 'string', minLength: 1, maxLength: 63 },
    described({ type: 'string', maxLength: 1_000 }, 'a text'),
    64,
  ),
  type: described(
    {
      type: 'string',
      pattern: '^(string|bool|int64|int|double|timestamp)(\\?)?(\\[([1-9][0-9]{0,5})?\\](\\?)?)?$',
    },
    'a type: string, bool, int, int64, double, timestamp, T[] or double[N], with ? for nullable',
  ),
  typed: either(
    mapping('a type as a mapping', ['type'], {
      type: ref('type'),
      length: described({ type: 'integer', minimum: 1, maximum: 100_000 }, 'the length of a double[N]'),
      nullable: described({ type: 'boolean' }, 'true or false'),
      ...PROSE,
    }),
    ref('type'),
  ),
  field: either(
    mapping('a field as a mapping', ['type'], {
      type: ref('type'),
      length: described({ type: 'integer', minimum: 1, maximum: 100_000 }, 'the length of a double[N]'),
      nullable: described({ type: 'boolean' }, 'true or false'),
      path: described(
        { type: 'string', pattern: '^[^.]+(\\.[^.]+)*$', maxLength: 1_000 },
        'keys that lead to the field, joined by dots',
      ),
      ...PROSE,
    }),
    ref('type'),
  ),
  record_key: either(
    mapping("the record's key", ['fields'], {
      fields: ref('field_names'),
      encoding: choice("how the key's bytes are written", ['string', 'json', 'int64be', 'avro']),
      separator: described({ type: 'string', minLength: 1, maxLength: 16 }, 'the text between key fields'),
    }),
    ref('field_names'),
  ),
  field_names: list('a list of field names', ref('field_name'), 16),
  window: either(
    mapping('a window', ['length'], {
      length: ref('duration'),
      offset: ref('duration'),
      hop: ref('duration'),
    }),
    described(
      { type: 'string', pattern: '^((0|[1-9][0-9]{0,14})(ms|s|m|h|d)|lifetime)$' },
      'a duration such as 15m, lifetime, or { length, offset, hop }',
    ),
  ),
  view_reference: described(
    { type: 'string', pattern: `^${NAME_PATTERN}(@[1-9][0-9]{0,6})?$` },
    'a view: its name, or name@version',
  ),
  service_feature: either(
    mapping('a view in a service', ['view'], {
      view: ref('view_reference'),
      keys: dictionary("the view's entity keys and expressions for them", ref('name'), ref('expression'), 16),
      prefix: described({ type: 'string', pattern: `^${NAME_PATTERN}_?$`, maxLength: 63 }, 'a prefix such as dest_'),
      features: list('names of features of the view', ref('feature_name'), 1_000),
    }),
    described(
      { type: 'string', pattern: `^${NAME_PATTERN}(@[1-9][0-9]{0,6})?\\.(\\*|${NAME_PATTERN})$` },
      'view.*, view.feature or { view, keys, prefix, features }',
    ),
  ),
  feature_name: described({ type: 'string', pattern: `^(\\*|${NAME_PATTERN})$` }, 'the name of a feature'),
  source: SOURCE,
  entity: ENTITY,
  view: VIEW,
  feature: FEATURE,
  service: SERVICE,
};

const section = (description: string, item: string): JsonSchema => ({
  type: ['array', 'null'],
  description,
  items: ref(item),
  maxItems: 10_000,
});

export const DEFINITIONS_SCHEMA: JsonSchema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  $id: SCHEMA_ID,
  title: 'Skewless definitions',
  ...mapping('sources, entities, views and services', [], {
    sources: section('a list of sources', 'source'),
    entities: section('a list of entities', 'entity'),
    views: section('a list of feature views', 'view'),
    services: section('a list of feature services', 'service'),
  }),
  definitions: DEFINITIONS,
};
