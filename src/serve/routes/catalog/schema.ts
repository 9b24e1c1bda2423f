/** What the catalog tells of definitions and their freshness. Durations and types are written as definitions write them. */
import { Type } from 'typebox';

const nullable = (type: string, description?: string) =>
  Type.Unsafe<unknown>({ type: [type, 'null'], ...(description === undefined ? {} : { description }) });
const closed = { additionalProperties: false } as const;

const TEXTS = {
  description: Type.String(),
  owner: Type.String(),
  labels: Type.Record(Type.String(), Type.String()),
  tags: Type.Array(Type.String()),
};

const DeprecationSchema = Type.Unsafe<unknown>({
  type: ['object', 'null'],
  description: 'When it is given up, and what takes its place; null: it is not',
  required: ['on', 'sunset', 'use', 'reason'],
  properties: {
    on: { type: 'string', description: 'The day from which nothing new should read it' },
    sunset: { type: ['string', 'null'], description: 'The day on which it may be gone' },
    use: { type: ['string', 'null'], description: 'What to read instead' },
    reason: { type: 'string' },
  },
  additionalProperties: false,
});

export const FreshnessSchema = Type.Array(
  Type.Object(
    {
      partition: Type.Integer(),
      state: Type.Unsafe<string>({ type: 'string', enum: ['ready', 'stale', 'rebuilding', 'unavailable'] }),
      position: nullable('integer', 'Next offset to be read'),
      build_target: nullable('integer', 'End of the log when the build began; below it values are REBUILDING'),
      lag: nullable('integer', 'Records appended and not yet read; null where there is no log to ask'),
      caught_up_at: nullable('string', 'When the end of the log was last confirmed reached'),
      heartbeat: nullable('string'),
      watermark: nullable('string'),
      idle: Type.Boolean({ description: 'Nothing was appended for idle_after: holds no watermark back' }),
      complete_from: nullable('string', 'Windows that begin before this are INCOMPLETE; null: history is complete'),
    },
    closed,
  ),
  { description: 'One line for each partition' },
);

const CountersSchema = Type.Unsafe<unknown>({
  type: ['object', 'null'],
  description: 'What this process made of the records it saw since it started; null where it does not materialize',
  properties: {
    folded: { type: 'integer' },
    late: { type: 'integer' },
    too_late: { type: 'integer' },
    duplicates: { type: 'integer' },
    filtered: { type: 'integer' },
    null_key: { type: 'integer' },
    erased: { type: 'integer' },
    rejected: { type: 'object', additionalProperties: { type: 'integer' }, description: 'By code' },
  },
  additionalProperties: false,
});

const ViewFeatureSchema = Type.Object(
  {
    name: Type.String(),
    type: Type.String(),
    aggregation: Type.String(),
    params: Type.Record(Type.String(), Type.Unsafe<unknown>({})),
    of: nullable('string'),
    where: nullable('string'),
    window: Type.String({ description: '`lifetime`, or its length' }),
    hop: nullable('string', 'What the tail of the window is aligned to; null with `lifetime`'),
    offset: nullable('string', 'How far before `as_of` the window ends; null: at it'),
    default: Type.Unsafe<unknown>({ description: 'Served instead of null with NULL_VALUE and NOT_FOUND' }),
    description: Type.String(),
    owner: Type.String({ description: 'Its own, or that of the view' }),
    tags: Type.Array(Type.String()),
    deprecated: DeprecationSchema,
  },
  closed,
);

export const ViewSchema = Type.Object(
  {
    name: Type.String(),
    version: Type.Integer(),
    ...TEXTS,
    deprecated: DeprecationSchema,
    entity: Type.Object(
      {
        name: Type.String(),
        keys: Type.Array(
          Type.Object(
            { name: Type.String(), type: Type.String(), column: Type.String({ description: 'Of the source' }) },
            closed,
          ),
        ),
      },
      closed,
    ),
    source: Type.String(),
    where: nullable('string'),
    max_age: nullable('string'),
    history: Type.String(),
    incomplete: Type.String(),
    features: Type.Array(ViewFeatureSchema),
    state_fingerprint: Type.String({ description: 'Of all that changes its state' }),
    read_fingerprint: Type.String({ description: 'Of that, and of all that changes only how it is read' }),
    services: Type.Array(Type.String(), { description: 'That read it, as `name@version`' }),
    freshness: FreshnessSchema,
    counters: CountersSchema,
  },
  closed,
);

export const ServiceSchema = Type.Object(
  {
    name: Type.String(),
    version: Type.Integer(),
    ...TEXTS,
    deprecated: DeprecationSchema,
    fingerprint: Type.String(),
    as_of: Type.String({ description: '`required` or `optional`' }),
    request: Type.Array(
      Type.Object(
        { name: Type.String(), kind: Type.String({ description: '`key` or `input`' }), type: Type.String() },
        closed,
      ),
      { description: 'What a row holds' },
    ),
    features: Type.Array(
      Type.Object(
        {
          name: Type.String(),
          type: Type.String(),
          description: Type.String(),
          tags: Type.Array(Type.String()),
          deprecated: DeprecationSchema,
          view: nullable('string', '`name@version`; null for a derived feature'),
          feature: nullable('string', 'Its name in the view'),
          keys: Type.Unsafe<unknown>({
            type: ['object', 'null'],
            additionalProperties: { type: 'string' },
            description: 'Entity key of the view → expression over the request',
          }),
          expression: nullable('string', 'Of a derived feature'),
        },
        closed,
      ),
      { description: 'In the order served' },
    ),
    sources: Type.Array(Type.String()),
    readers: Type.Array(
      Type.Object({ reader: Type.String(), requests: Type.Integer(), last_read: Type.String() }, closed),
      {
        description:
          'Who has asked for vectors since this process started, by the name of the key. A key sees itself, `admin` everybody',
      },
    ),
  },
  closed,
);

export const SourceSchema = Type.Object(
  {
    name: Type.String(),
    ...TEXTS,
    topic: Type.String(),
    format: Type.String(),
    mode: Type.String({ description: '`append` or `upsert`: whether a record is an event, or the new row of its key' }),
    envelope: nullable('string', '`debezium`: rows are wrapped in change events'),
    key: Type.Object({ fields: Type.Array(Type.String()), encoding: Type.String(), separator: Type.String() }, closed),
    partitioner: Type.String(),
    event_time: Type.String(),
    event_id: nullable('string'),
    clock: Type.String({ description: '`wall` or `watermark`: what "now" means for this stream' }),
    max_disorder: Type.String(),
    max_ahead: Type.String(),
    stale_after: Type.String(),
    fields: Type.Array(
      Type.Object({ name: Type.String(), type: Type.String(), path: Type.Array(Type.String()) }, closed),
    ),
    derive: Type.Array(Type.Object({ name: Type.String(), type: Type.String(), expression: Type.String() }, closed)),
    watermark: nullable('string', 'Earliest of its partitions; null before the first event'),
    views: Type.Array(Type.Object({ view: Type.String(), freshness: FreshnessSchema }, closed)),
    dead_letters: nullable('integer', 'Records this process put aside; null where it does not materialize'),
  },
  closed,
);
