/** Schemas of feature services. */
import { type JsonSchema, choice, described, dictionary, either, key, list, mapping, ref } from './schema-parts.ts';
import { CATALOG, DEPRECATED, NAME_PATTERN, PROSE, TAGS, VERSION } from './schema-shared.ts';

const SERVICE = mapping('a feature service', ['name', 'features'], {
  name: key(ref('name'), 'What requests call it.', { example: 'departure_delay' }),
  version: VERSION,
  features: key(
    list('a list of view.*, view.feature or { view, keys, prefix, features }', ref('service_feature'), 1_000),
    'What is read, in the order in which it is served: `view.*`, `view.feature` (one that is served, or all windows of one as it is declared), or a mapping.',
    { example: ['airport_delay.*', { view: 'airport_delay', keys: { origin: 'dest' }, prefix: 'dest_' }] },
  ),
  inputs: key(
    dictionary('input names and types', ref('name'), ref('typed'), 256),
    'Values that only the caller knows: names and types.',
    { example: { dest: 'string', scheduled_hour: 'int' } },
  ),
  derived: key(
    {
      type: 'array',
      description: 'a list of { name, expr }',
      maxItems: 500,
      items: mapping('a derived feature', ['name', 'expr'], {
        name: key(ref('name'), 'What is served is called so.', { example: 'delay_ratio' }),
        expr: key(
          ref('expression'),
          'Over features, keys, inputs, `as_of` and other derived features, in any order; a circle is an error.',
          { example: 'delay_mean_1h / delay_mean_7d' },
        ),
        ...PROSE,
        ...TAGS,
        ...DEPRECATED,
      }),
    },
    'Features that are computed when they are asked for, after the others in the order served.',
    { example: [{ name: 'delay_ratio', expr: 'delay_mean_1h / delay_mean_7d' }] },
  ),
  as_of: key(
    choice('whether requests must carry as_of', ['required', 'optional']),
    '`required` refuses requests without one, as is needed where sources of both clocks are read.',
    { default: 'optional' },
  ),
  ...CATALOG,
  ...DEPRECATED,
});

export const SERVICE_PARTS: Readonly<Record<string, JsonSchema>> = {
  view_reference: described(
    { type: 'string', pattern: `^${NAME_PATTERN}(@[1-9][0-9]{0,6})?$` },
    'a view: its name, or name@version',
  ),
  service_feature: either(
    mapping('a view in a service', ['view'], {
      view: key(ref('view_reference'), 'Which; the same one may be there several times.', {
        example: 'airport_delay@2',
      }),
      keys: key(
        dictionary("the view's entity keys and expressions for them", ref('name'), ref('expression'), 16),
        'Where keys of its entity come from: inputs, keys of the request, `as_of`. Others are keys of the request by their own names.',
        { example: { origin: 'dest' } },
      ),
      prefix: key(
        described({ type: 'string', pattern: `^${NAME_PATTERN}_?$`, maxLength: 63 }, 'a prefix such as dest_'),
        'Stands before the names of its features, so that all names of the service are different.',
        { example: 'dest_' },
      ),
      features: key(
        list('names of features of the view', ref('feature_name'), 1_000),
        'Which of its features; all, unless said.',
        { example: ['departures_24h'] },
      ),
    }),
    described(
      { type: 'string', pattern: `^${NAME_PATTERN}(@[1-9][0-9]{0,6})?\\.(\\*|${NAME_PATTERN})$` },
      'view.*, view.feature or { view, keys, prefix, features }',
    ),
  ),
  feature_name: described({ type: 'string', pattern: `^(\\*|${NAME_PATTERN})$` }, 'the name of a feature'),
  service: SERVICE,
};
