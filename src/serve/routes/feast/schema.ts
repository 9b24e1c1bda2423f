/** What Feast's routes take and answer. Fields that are not known here are ignored, as Feast ignores them. */
import { type Static, Type } from 'typebox';
import { responses } from '../../schemas.ts';

/** Features of one request that are listed by themselves. */
const FEATURES_MAX = 1_000;

const Column = Type.Array(Type.Unsafe<unknown>({}));
const Columns = Type.Record(Type.String(), Column, { minProperties: 1 });

const Ignored = Type.Optional(Type.Boolean({ description: "Feast's; ignored" }));

export const OnlineFeaturesBody = Type.Object(
  {
    entities: Type.Unsafe<Record<string, unknown[]>>({
      ...Columns,
      description: 'Columns of entity keys and request inputs, of one length, at most 1,000',
    }),
    features: Type.Optional(
      Type.Array(Type.String(), {
        maxItems: FEATURES_MAX,
        description: '`view:feature`, `view@2:feature` or `view@v2:feature`; or `feature_service`',
      }),
    ),
    feature_service: Type.Optional(
      Type.Unsafe<string | null>({
        type: ['string', 'null'],
        minLength: 1,
        description: 'Name of a feature service, or `name@2`',
      }),
    ),
    full_feature_names: Type.Optional(
      Type.Boolean({ description: 'Names features `view__feature`, and derived ones `service__feature`' }),
    ),
    include_feature_view_version_metadata: Type.Optional(
      Type.Boolean({ description: 'Adds the views that were read, with their versions, to `metadata`' }),
    ),
  },
  {
    additionalProperties: true,
    examples: [
      {
        features: ['origin_departures:departures_1h', 'origin_departures:delay_mean_1h'],
        entities: { origin: ['JFK', 'LGA'] },
        full_feature_names: true,
      },
    ],
  },
);
export type OnlineFeaturesBody = Static<typeof OnlineFeaturesBody>;

const EXAMPLE_FRAME = {
  flight_id: ['2013-01-31/B6/23'],
  scheduled_at: ['2013-01-31T22:00:00'],
  event_timestamp: ['2013-01-31T22:09:00'],
  origin: ['JFK'],
  dest: ['LAX'],
  carrier: ['B6'],
  flight: [23],
  tailnum: ['N583JB'],
  dep_delay: [9],
  distance: [2475],
  cancelled: [false],
};
const Frame = Type.Unsafe<Record<string, unknown[]>>({
  ...Columns,
  description:
    "Columns of the source's fields, of one length, at most 1,000. A time without an offset is UTC; a whole number is seconds.",
});

export const PushBody = Type.Object(
  {
    push_source_name: Type.String({ description: 'Name of a source, or of a view' }),
    df: Frame,
    to: Type.Optional(Type.Unsafe<string>({ type: 'string', enum: ['online', 'offline', 'online_and_offline'] })),
    allow_registry_cache: Ignored,
    transform_on_write: Ignored,
  },
  { additionalProperties: true, examples: [{ push_source_name: 'departures', df: EXAMPLE_FRAME, to: 'online' }] },
);

export const WriteBody = Type.Object(
  {
    feature_view_name: Type.String({ description: 'Name of a source, or of a view' }),
    df: Frame,
    allow_registry_cache: Ignored,
    transform_on_write: Ignored,
  },
  { additionalProperties: true, examples: [{ feature_view_name: 'departures', df: EXAMPLE_FRAME }] },
);

const ExceptionSchema = Type.String({
  description: "JSON with `module`, `class` and `message` of an exception, which Feast's SDK raises",
});
const ValidationSchema = Type.Object(
  {
    detail: Type.Array(
      Type.Object(
        {
          type: Type.String({ description: 'snake_case, stable' }),
          loc: Type.Array(Type.Unsafe<string | number>({ type: ['string', 'integer'] })),
          msg: Type.String(),
        },
        { additionalProperties: false },
      ),
      { description: 'Every problem of the request, at most 1,000' },
    ),
  },
  { additionalProperties: false },
);

function exceptionText(name: string, message: string): string {
  return JSON.stringify({ module: 'feast.errors', class: name, message });
}

const FORBIDDEN = {
  description: 'The key may not do this with a thing that it may see.',
  schema: ExceptionSchema,
  example: exceptionText('FeastPermissionError', 'this needs a key with the scope read:departure_delay'),
};

function notFound(example: string): JsonAnswer {
  return { description: 'There is nothing of that name.', schema: ExceptionSchema, example };
}

const INVALID = {
  description:
    "What is wrong with the request: FastAPI's list of all, or where Feast has an exception for it (a push source that is not there, features of one name), a string as for 404",
  schema: Type.Unsafe<unknown>({ anyOf: [ValidationSchema, ExceptionSchema] }),
  example: {
    detail: [
      { type: 'missing_key', loc: ['body', 'entities', 'origin'], msg: 'the entity key origin (string) is missing' },
    ],
  },
};

interface JsonAnswer {
  readonly description: string;
  readonly schema: object;
  readonly example: unknown;
}

function json({ description, schema, example }: JsonAnswer): object {
  return { description, content: { 'application/json': { schema, example } } };
}

function feastResponses(answer: Parameters<typeof responses>[0], absent: JsonAnswer | null): Record<number, unknown> {
  return {
    ...responses(answer, [413, 415]),
    403: json(FORBIDDEN),
    ...(absent === null ? {} : { 404: json(absent) }),
    422: json(INVALID),
  };
}

const ResultSchema = Type.Object(
  {
    values: Type.Array(Type.Unsafe<unknown>({})),
    statuses: Type.Array(
      Type.Unsafe<string>({ type: 'string', enum: ['PRESENT', 'NULL_VALUE', 'NOT_FOUND', 'OUTSIDE_MAX_AGE'] }),
    ),
    event_timestamps: Type.Array(Type.String({ description: 'RFC 3339; the epoch where there is none' })),
    issues: Type.Optional(
      Type.Array(Type.Unsafe<unknown>({ anyOf: [{ $ref: 'Status#' }, { type: 'null' }] }), {
        description: 'Statuses that Feast does not name, as they are; absent when there is none',
      }),
    ),
  },
  { additionalProperties: false },
);

export const onlineFeaturesResponses = feastResponses(
  {
    description:
      '`results` aligns with `metadata.feature_names`: entity keys, inputs, then features. `STALE` and `INCOMPLETE` values that are served are `PRESENT`; what is withheld for a reason that Feast does not name is a null, `NULL_VALUE`.',
    schema: Type.Object(
      {
        metadata: Type.Object(
          {
            feature_names: Type.Array(Type.String()),
            feature_view_metadata: Type.Optional(
              Type.Array(
                Type.Object({ name: Type.String(), version: Type.Integer() }, { additionalProperties: false }),
              ),
            ),
          },
          { additionalProperties: false },
        ),
        results: Type.Array(ResultSchema),
      },
      { additionalProperties: false },
    ),
    example: {
      metadata: { feature_names: ['origin', 'origin_departures__departures_1h'] },
      results: [
        {
          values: ['JFK', 'LGA'],
          statuses: ['PRESENT', 'PRESENT'],
          event_timestamps: ['1970-01-01T00:00:00Z', '1970-01-01T00:00:00Z'],
        },
        {
          values: [14, null],
          statuses: ['PRESENT', 'NULL_VALUE'],
          event_timestamps: ['2013-01-31T16:58:00Z', '1970-01-01T00:00:00Z'],
          issues: [null, 'REBUILDING'],
        },
      ],
    },
  },
  notFound(exceptionText('FeatureViewNotFoundException', 'there is no feature view "delay"; did you mean delays?')),
);

const APPENDED = {
  description: 'All rows were appended, durably.',
  schema: Type.Object(
    {
      position: Type.String({
        description: 'Opaque: give it to `POST /v1/feature-services/{service}/vectors` as `after`',
      }),
      accepted: Type.Integer(),
    },
    { additionalProperties: false },
  ),
  example: { position: 'eyJkZXBhcnR1cmVzIjp7IjAiOjI3MDA1fX0', accepted: 1 },
};

export const pushResponses = feastResponses(APPENDED, null);
export const writeResponses = feastResponses(
  APPENDED,
  notFound(
    exceptionText('FeatureViewNotFoundException', 'there is no feature view "departure"; did you mean departures?'),
  ),
);

export const healthResponses = responses(
  {
    description: 'They may',
    schema: Type.Object({ status: Type.String() }, { additionalProperties: false }),
    example: { status: 'healthy' },
  },
  [],
);
