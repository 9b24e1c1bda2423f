/** Schemas of what several kinds of definitions have: names, types, durations, and what the catalog tells of them. */
import { type JsonSchema, described, dictionary, either, key, list, mapping, ref } from './schema-parts.ts';

export const NAME_PATTERN = '[a-z][a-z0-9]*(_[a-z0-9]+)*';

export const PROSE = {
  description: key(
    described({ type: 'string', maxLength: 10_000 }, 'prose for the catalog'),
    'What it is, for the catalog and the lineage. Nothing is computed from it.',
    { example: 'Departures and their delays, by airport' },
  ),
};

const DAY = described({ type: 'string', pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' }, 'a day such as 2026-12-31');

export const TAGS = {
  tags: key(
    list(
      'tags',
      described(
        { type: 'string', pattern: '^[a-zA-Z0-9][a-zA-Z0-9._:/-]{0,62}$' },
        'a tag: letters, digits and . _ : / -',
      ),
      64,
    ),
    'Words to find it by.',
    { example: ['core', 'delay'] },
  ),
};

export const DEPRECATED = {
  deprecated: key(
    mapping('what is given up: { on, sunset, use, reason }', ['on'], {
      on: key(DAY, 'From this day (UTC) on nothing new should read it.', { example: '2026-12-31' }),
      sunset: key(DAY, 'The day on which it may be gone.', { example: '2027-06-30' }),
      use: key(
        described({ type: 'string', maxLength: 200 }, 'the name of what to read instead'),
        'A view, a service, or a feature of the same view, which must be there.',
        { example: 'delay_median' },
      ),
      reason: key(described({ type: 'string', maxLength: 10_000 }, 'a text'), 'Why.', {
        example: 'One cancelled flight moves it.',
      }),
    }),
    'It is given up: told in the catalog, in the lineage and in the headers of answers. Nothing stops working by it.',
    { example: { on: '2026-12-31', use: 'delay_median' } },
  ),
};

export const OWNER = described({ type: 'string', maxLength: 200 }, 'a team or person');

export const CATALOG = {
  ...PROSE,
  ...TAGS,
  owner: key(OWNER, 'Who answers for it.', { example: 'ops-ml' }),
  labels: key(ref('labels'), 'Texts by name, for the catalog.', { example: { tier: 'gold' } }),
};

export const VERSION = key(
  described({ type: 'integer', minimum: 1, maximum: 1_000_000 }, 'a version: 1, 2, …'),
  'Several versions exist side by side: `name@2` is that one, a bare name the newest.',
  { default: 1, example: 2 },
);

/** Beside `type`, where that is written as a mapping. */
const TYPE_KEYS = {
  type: key(ref('type'), 'The type.', { example: 'double' }),
  length: key(
    described({ type: 'integer', minimum: 1, maximum: 100_000 }, 'the length of a double[N]'),
    'Of a list of doubles: how many there are.',
    { example: 8 },
  ),
  nullable: key(described({ type: 'boolean' }, 'true or false'), 'Whether it may be null, as `?` after the type.', {
    default: false,
    example: true,
  }),
};

export const SHARED: Readonly<Record<string, JsonSchema>> = {
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
  typed: either(mapping('a type as a mapping', ['type'], { ...TYPE_KEYS, ...PROSE }), ref('type')),
  field: either(
    mapping('a field as a mapping', ['type'], {
      ...TYPE_KEYS,
      path: key(
        described(
          { type: 'string', pattern: '^[^.]+(\\.[^.]+)*$', maxLength: 1_000 },
          'keys that lead to the field, joined by dots',
        ),
        "Where the field is in the record's value; the field's name unless said.",
        { example: 'after.dep_delay' },
      ),
      ...PROSE,
    }),
    ref('type'),
  ),
};
