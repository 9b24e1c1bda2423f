/** Schemas of sources and entities. */
import { type JsonSchema, choice, described, dictionary, either, key, list, mapping, ref } from './schema-parts.ts';
import { CATALOG } from './schema-shared.ts';

const CONTENTS: Readonly<Record<string, JsonSchema>> = {
  format: key(
    choice('json, or in the Confluent wire format: json_schema or avro', ['json', 'json_schema', 'avro']),
    "What a record's value is written in.",
    { default: 'json' },
  ),
  mode: key(
    choice('append: each record is an event; upsert: each is the new row of its key', ['append', 'upsert']),
    '`append`: each record is an event. `upsert`: each is the new row of its key.',
    { default: 'append' },
  ),
  envelope: key(choice('what rows are wrapped in: debezium', ['debezium']), 'Rows are wrapped in change events.'),
  archive: key(
    described(
      { type: 'string', minLength: 1, maxLength: 1_000 },
      "a folder, from the definitions' on, of what skewless archive keeps of the topic",
    ),
    'What `skewless archive` keeps of the topic, from which builds begin. A relative path begins at the folder of definitions.',
    { example: '../archive' },
  ),
  key: key(ref('record_key'), "What the record's key holds; without it, records have none that is of use.", {
    example: ['flight_id'],
  }),
  partitioner: key(
    choice('how producers choose partitions', ['murmur2', 'crc32', 'unknown']),
    "How producers choose a partition: `murmur2` is Kafka's own, `crc32` librdkafka's; with `unknown` records are always moved to where their entities are.",
    { default: 'murmur2' },
  ),
};

const TIMES: Readonly<Record<string, JsonSchema>> = {
  event_time: key(ref('field_name'), 'The field (`timestamp`, not nullable) that says when an event happened.', {
    example: 'departed_at',
  }),
  event_id: key(
    ref('field_name'),
    'The field (`string`, `int` or `int64`) that tells duplicates; not with `mode: upsert`.',
    { example: 'flight_id' },
  ),
  max_disorder: key(
    ref('duration'),
    'How far events may arrive out of order before the watermark passes them. Late ones still count.',
    { default: '0s', example: '2h' },
  ),
  max_ahead: key(ref('duration'), "Events further than this ahead of their record's append time are rejected.", {
    default: '5m',
    example: '1h',
  }),
  idle_after: key(ref('duration'), 'A partition without appends for so long does not hold the watermark back.', {
    default: '1m',
    example: '10m',
  }),
  stale_after: key(ref('duration'), "Values are `STALE` when the log's end was not reached for so long.", {
    default: '60s',
    example: '5m',
  }),
  expiry_slack: key(
    ref('duration'),
    'States are forgotten this long after no window can reach their events (`clock: wall` only); at least `1m`.',
    { default: '7d', example: '1d' },
  ),
  clock: key(
    choice('what "now" means for this stream', ['wall', 'watermark']),
    'What "now" is when a request has no `as_of`.',
    { default: 'wall' },
  ),
  history: key(
    choice('complete: nothing happened before the first record', ['complete']),
    '`complete`: nothing happened before the first record. Unless said, nobody knows.',
  ),
};

export const SOURCE_PARTS: Readonly<Record<string, JsonSchema>> = {
  record_key: either(
    mapping("the record's key", ['fields'], {
      fields: key(ref('field_names'), 'Fields of the source, in the order in which the key has them.', {
        example: ['flight_id'],
      }),
      encoding: key(
        choice("how the key's bytes are written", ['string', 'json', 'int64be', 'avro']),
        "`string`: texts joined by `separator`. `json`: the value, or an array of several. `int64be`: one `int`, `int64` or `timestamp` in eight bytes. `avro`: a record, or the one value, behind its schema's id.",
        { default: 'string' },
      ),
      separator: key(
        described({ type: 'string', minLength: 1, maxLength: 16 }, 'the text between key fields'),
        'Between the texts of `encoding: string`.',
        { default: '|', example: ':' },
      ),
    }),
    ref('field_names'),
  ),
  field_names: list('a list of field names', ref('field_name'), 16),
  source: mapping('a source', ['name', 'event_time', 'fields'], {
    name: key(ref('name'), 'What views call it.', { example: 'flights' }),
    topic: key(
      described(
        { type: 'string', pattern: '^[a-zA-Z0-9._-]{1,249}$' },
        'a topic: 1 to 249 letters, digits, dots, underscores or hyphens',
      ),
      'The topic that holds its records; its name unless said.',
      { example: 'ops.flights.v1' },
    ),
    ...CONTENTS,
    ...TIMES,
    fields: key(
      { ...dictionary('field names and types', ref('field_name'), ref('field'), 1_000), minProperties: 1 },
      'What is read of a record: the contract with who writes it. Only fields that a view uses can reject a record for that view.',
      { example: { departed_at: 'timestamp', origin: 'string', tailnum: 'string?' } },
    ),
    derive: key(
      dictionary('derived columns: names and expressions', ref('name'), ref('expression'), 500),
      'Columns computed from fields and from earlier derived columns, to be used like fields: also as the column behind an entity key.',
      { example: { hour_of_week: "hour_of_week(departed_at, 'America/New_York')" } },
    ),
    ...CATALOG,
  }),
  entity: mapping('an entity', ['name', 'keys'], {
    name: key(ref('name'), 'What views call it.', { example: 'airport' }),
    keys: key(
      { ...dictionary('key names and types', ref('name'), ref('type'), 16), minProperties: 1 },
      'Names and types, in their order: `string`, `bool`, `int`, `int64` or `timestamp`, never nullable. A type is part of the identity: `"1"` and `1` are two entities.',
      { example: { origin: 'string' } },
    ),
    ...CATALOG,
  }),
};
