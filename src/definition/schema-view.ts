/** Schemas of feature views, their features and windows. */
import { type JsonSchema, choice, described, dictionary, either, key, list, mapping, ref } from './schema-parts.ts';
import { CATALOG, DEPRECATED, OWNER, PROSE, TAGS, VERSION } from './schema-shared.ts';

const A_NUMBER = described({ type: 'number' }, 'a number');

const VIEW = mapping('a feature view', ['name', 'entity', 'source', 'features'], {
  name: key(ref('name'), 'What services call it.', { example: 'airport_delay' }),
  version: VERSION,
  entity: key(ref('name'), 'Whose features these are.', { example: 'airport' }),
  source: key(ref('name'), 'Whose events are aggregated.', { example: 'flights' }),
  keys: key(
    dictionary("the entity's keys and the source columns that hold them", ref('name'), ref('field_name'), 16),
    'Which column holds which key of the entity, of equal types; a key that is not named is in the column of its own name.',
    { example: { origin: 'dest' } },
  ),
  where: key(ref('expression'), 'Only events for which it is true belong to the view; all, unless said.', {
    example: 'dep_delay IS NOT NULL',
  }),
  features: key(list('a list of features', ref('feature'), 1_000), 'What is computed, in the order of `view.*`.', {
    example: [{ name: 'departures', agg: 'count', windows: ['1h', '24h'] }],
  }),
  max_age: key(ref('duration'), 'The whole view is withheld when its newest event is older; never, unless said.', {
    example: '2d',
  }),
  history: key(ref('duration'), 'How far back an `as_of` stays exact online.', { default: '60s', example: '10m' }),
  incomplete: key(
    choice('what to do with windows that begin before known history', ['withhold', 'serve']),
    'What to do with a window that begins before the history that the build could see.',
    { default: 'withhold' },
  ),
  head_max: key(
    described({ type: 'integer', minimum: 1, maximum: 100_000 }, 'events kept raw before sealing: 1 to 100000'),
    'Events of an entity that are kept raw before the oldest are sealed into tiles.',
    { default: 256, example: 1_000 },
  ),
  head_limit: key(
    described({ type: 'integer', minimum: 1, maximum: 1_000_000 }, 'events that force sealing: 1 to 1000000'),
    'Raw events at which sealing is forced, whatever `history` asks for. It is counted.',
    { default: 4_096, example: 10_000 },
  ),
  ...CATALOG,
  ...DEPRECATED,
});

const FEATURE = mapping('a feature', ['name', 'agg'], {
  name: key(ref('name'), 'What is served is called `<name>_<window>`, or `<name>` where there are no `windows`.', {
    example: 'delay_mean',
  }),
  agg: key(
    described({ type: 'string' }, 'the name of an aggregation'),
    'What is computed over the events of a window.',
    { example: 'mean' },
  ),
  of: key(
    either(
      { ...dictionary('member names and expressions', ref('name'), ref('expression'), 64), minProperties: 1 },
      ref('expression'),
    ),
    'What is read of an event: an expression, or a struct of several (for `last_n`, `last`, `first`). Nulls are skipped. `count` and `time_since_last` do without.',
    { example: 'dep_delay' },
  ),
  where: key(ref('expression'), 'Narrows this feature alone. A view may have 31 different ones.', {
    example: 'dep_delay > 15',
  }),
  windows: key(list('a list of windows', ref('window'), 64), 'How far back it looks; the lifetime, unless said.', {
    example: ['1h', '24h', { length: '24h', offset: '7d' }],
  }),
  default: key(
    { description: 'what is served instead of null' },
    "Served instead of null, of the feature's type. A fractional one makes an `int` feature a `double`.",
    { default: null, example: 0 },
  ),
  n: key(A_NUMBER, 'Of `last_n`: how many, 1 to 1000.', { example: 20 }),
  k: key(A_NUMBER, 'Of `top_k`: how many, 1 to 100.', { example: 3 }),
  q: key(A_NUMBER, 'Of `quantile`: which, 0 to 1.', { example: 0.95 }),
  edges: key(
    list('a list of increasing numbers', A_NUMBER, 1_000),
    'Of `histogram`: where its buckets meet; at most 256.',
    { example: [0, 15, 60] },
  ),
  keys_max: key(
    A_NUMBER,
    'Of `top_k`: how many different keys a tile holds, 1 to 10000 (1000, unless said). A window with more is `OVER_LIMIT`.',
    { example: 5_000 },
  ),
  owner: key(OWNER, "Who answers for it; the view's owner, unless said.", { example: 'planners' }),
  ...PROSE,
  ...TAGS,
  ...DEPRECATED,
});

export const VIEW_PARTS: Readonly<Record<string, JsonSchema>> = {
  window: either(
    mapping('a window', ['length'], {
      length: key(ref('duration'), 'How long it is.', { example: '24h' }),
      offset: key(
        ref('duration'),
        'It ends so long before `as_of`, with both edges aligned to the hop; at `as_of`, unless said.',
        { example: '7d' },
      ),
      hop: key(ref('duration'), 'What its far edge is aligned to; it follows from the length, unless said.', {
        example: '5m',
      }),
    }),
    described(
      { type: 'string', pattern: '^((0|[1-9][0-9]{0,14})(ms|s|m|h|d)|lifetime)$' },
      'a duration such as 15m, lifetime, or { length, offset, hop }',
    ),
  ),
  view: VIEW,
  feature: FEATURE,
};
