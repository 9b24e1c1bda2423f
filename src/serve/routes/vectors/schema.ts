/** What POST and GET of vectors take and answer, for validation and for the OpenAPI document alike. */
import { Type } from 'typebox';
import { reference, responses } from '../../schemas.ts';
import { ARROW_TYPE } from './accept.ts';
import { INCLUDES } from './request.ts';

export const ROWS_MAX = 1_000;
export const BUDGET_MS_MAX = 60_000;

const EXAMPLE_ROW = {
  origin: 'JFK',
  dest: 'LAX',
  carrier: 'B6',
  tailnum: 'N583JB',
  scheduled_hour: 17,
  distance: 2475,
};
const EXAMPLE_FINGERPRINT = 'f3c1d0b2a49e8d7c6b5a4f3e2d1c0b9a';

const Include = Type.Unsafe<string>({ type: 'string', enum: [...INCLUDES] });
const AsOf = {
  description:
    'Event time to evaluate at, exclusive: RFC 3339 with an offset, or integer milliseconds. Absent: now, if all sources go by the wall clock, else their earliest watermark.',
  examples: ['2013-01-31T17:00:00Z'],
};
const INCLUDE_DESCRIPTION =
  '`status` and `event_time` align with `features`; `receipt` is what it takes to reproduce the vector; `explain` says what each value came from';
const AFTER_DESCRIPTION =
  'Read your writes: position tokens that ingest answered. The read waits until they are applied, at most `budget_ms` (1 s without one); what is not applied by then is `TIMED_OUT`.';
const BUDGET_DESCRIPTION = 'From receipt of the request; what is not ready by then is `TIMED_OUT`, the rest is served';
const INCLUDE_LIST = `^(${INCLUDES.join('|')})(,(${INCLUDES.join('|')}))*$`;
const FINGERPRINT_DESCRIPTION = 'Of the service, as this client knows it; another one is answered with 409';
const FEATURES_DESCRIPTION = 'A subset of the features, in the order wanted';

export const VectorsBody = Type.Object(
  {
    entities: Type.Array(
      Type.Unsafe<Record<string, unknown>>({ type: 'object', additionalProperties: true, examples: [EXAMPLE_ROW] }),
      { minItems: 1, maxItems: ROWS_MAX, description: 'Rows of entity keys and request inputs' },
    ),
    common: Type.Optional(
      Type.Unsafe<Record<string, unknown>>({
        type: 'object',
        additionalProperties: true,
        description: 'Merged under each row',
      }),
    ),
    as_of: Type.Optional(Type.Unsafe<string | number>({ type: ['string', 'integer'], ...AsOf })),
    include: Type.Optional(Type.Array(Include, { uniqueItems: true, description: INCLUDE_DESCRIPTION })),
    features: Type.Optional(
      Type.Array(Type.String(), { minItems: 1, uniqueItems: true, description: FEATURES_DESCRIPTION }),
    ),
    fingerprint: Type.Optional(Type.String({ description: FINGERPRINT_DESCRIPTION })),
    after: Type.Optional(
      Type.Unsafe<string | string[]>({
        type: ['string', 'array'],
        items: { type: 'string' },
        maxItems: 100,
        description: AFTER_DESCRIPTION,
      }),
    ),
    budget_ms: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: BUDGET_MS_MAX,
        description: BUDGET_DESCRIPTION,
      }),
    ),
    layout: Type.Optional(Type.Unsafe<string>({ type: 'string', enum: ['rows', 'columns'], default: 'rows' })),
  },
  { additionalProperties: false, examples: [{ entities: [EXAMPLE_ROW] }] },
);

/** A GET says the row's keys and inputs as parameters of their own, which vary by service. */
export const VectorsQuery = Type.Object(
  {
    origin: Type.Optional(
      Type.String({
        description:
          'Entity keys and request inputs are parameters of their own; which ones, the service says. These are those of the flights example.',
        examples: ['JFK'],
      }),
    ),
    ...Object.fromEntries(
      Object.entries(EXAMPLE_ROW)
        .filter(([name]) => name !== 'origin')
        .map(([name, value]) => [
          name,
          Type.Optional(Type.String({ description: 'Of the flights example', examples: [String(value)] })),
        ]),
    ),
    as_of: Type.Optional(Type.String({ description: AsOf.description })),
    include: Type.Optional(
      Type.String({ pattern: INCLUDE_LIST, description: `Joined with commas. ${INCLUDE_DESCRIPTION}` }),
    ),
    features: Type.Optional(Type.String({ minLength: 1, description: `Joined with commas. ${FEATURES_DESCRIPTION}` })),
    fingerprint: Type.Optional(Type.String({ description: FINGERPRINT_DESCRIPTION })),
    after: Type.Optional(Type.String({ minLength: 1, description: `Joined with commas. ${AFTER_DESCRIPTION}` })),
    budget_ms: Type.Optional(
      Type.String({ pattern: '^[1-9][0-9]{0,4}$', description: `1 to ${BUDGET_MS_MAX}; ${BUDGET_DESCRIPTION}` }),
    ),
  },
  { additionalProperties: true },
);

const Timestamps = Type.Array(Type.Unsafe<string | null>({ type: ['string', 'null'] }));
const AnyValue = Type.Unsafe<unknown>({
  description: 'In the form of its type: an int64 is a string, a timestamp RFC 3339 with milliseconds',
});
const RowFields = {
  issues: Type.Optional(
    Type.Record(Type.String(), reference('Status'), {
      description: 'Every status that is not ordinary, by feature; absent when there is none',
    }),
  ),
  as_of: Type.Optional(Type.String({ description: 'Where it differs from that of the request' })),
  receipt: Type.Optional(Type.String({ description: 'Opaque' })),
  explain: Type.Optional(
    Type.Record(Type.String(), Type.Unsafe<unknown>({ type: 'object' }), {
      description: 'By feature: the window, tiles and head events its value came from; for a derived one, its inputs',
    }),
  ),
};
const ErrorField = { error: Type.Optional(reference('ProblemItem')) };

const VectorsResponse = Type.Object(
  {
    service: Type.String(),
    version: Type.Integer(),
    fingerprint: Type.String(),
    as_of: Type.Unsafe<string | null>({
      type: ['string', 'null'],
      description: 'null: the budget was spent before it could be known',
    }),
    features: Type.Array(Type.String()),
    vectors: Type.Optional(
      Type.Array(
        Type.Object(
          {
            values: Type.Optional(
              Type.Array(AnyValue, { description: 'Aligned with `features`; withheld ones are null' }),
            ),
            status: Type.Optional(Type.Array(reference('Status'))),
            event_time: Type.Optional(Timestamps),
            ...RowFields,
            ...ErrorField,
          },
          { additionalProperties: false },
        ),
        { description: 'Aligned with `entities`; each has `values`, or an `error`' },
      ),
    ),
    columns: Type.Optional(
      Type.Record(Type.String(), Type.Array(AnyValue), {
        description: '`layout: columns`: values by feature, each aligned with `entities`',
      }),
    ),
    status: Type.Optional(
      Type.Record(Type.String(), Type.Array(Type.Unsafe({ oneOf: [reference('Status'), { type: 'null' }] })), {
        description: '`layout: columns`; null where the row has an `error`',
      }),
    ),
    event_time: Type.Optional(Type.Record(Type.String(), Timestamps, { description: '`layout: columns`' })),
    rows: Type.Optional(
      Type.Array(Type.Object({ ...RowFields, ...ErrorField }, { additionalProperties: false }), {
        description: '`layout: columns`: what belongs to rows, aligned with `entities`',
      }),
    ),
  },
  { additionalProperties: false },
);

const ANSWER = {
  description:
    'One vector a row. Rows are isolated: a bad one carries an `error`, the others are served. Where values come from memory because a node of the store is away, the header `x-skewless-degraded` says so.',
  schema: VectorsResponse,
  example: {
    service: 'departure_delay',
    version: 1,
    fingerprint: EXAMPLE_FINGERPRINT,
    as_of: '2013-01-31T17:00:00.000Z',
    features: ['departures_1h', 'delay_mean_1h', 'carrier_delay_mean_24h'],
    vectors: [{ values: [14, 12.5, null], issues: { carrier_delay_mean_24h: 'REBUILDING' } }],
  },
};

const ARROW = Type.Unsafe<string>({
  type: 'string',
  contentMediaType: ARROW_TYPE,
  description:
    'An Arrow IPC stream: a column a feature, and `<feature>__status`, `<feature>__event_time` where included; `__issues`, `__as_of`, `__error`, `__receipt`, `__explain` of rows. Service, version, fingerprint and as_of are in the metadata of the schema.',
});

const header = (description: string) => ({ description, type: 'string' });
/** Only of a service that is given up, or serves what is. */
const DEPRECATION_HEADERS = {
  deprecation: header('`@` and seconds since the epoch (RFC 9745): from then on nothing new should read it'),
  sunset: header('A date (RFC 8594): it may be gone from then on'),
  link: header('The service to read instead, with `rel="successor-version"`'),
  'skewless-deprecated': header('What is given up: the service, or names of its features, at most 20'),
};

export const vectorsResponses = withArrow(responses(ANSWER, [400, 404, 406, 409, 413, 415]));
export const vectorsQueryResponses = withArrow(responses(ANSWER, [400, 404, 406, 409]));

function withArrow(declared: ReturnType<typeof responses>): ReturnType<typeof responses> {
  const ok = declared[200] as { readonly content: object };
  return {
    ...declared,
    200: { ...ok, headers: DEPRECATION_HEADERS, content: { ...ok.content, [ARROW_TYPE]: { schema: ARROW } } },
  };
}

export const VectorsParams = Type.Object({
  service: Type.String({
    description: 'Name of a feature service: the newest version, or `name@2`',
    examples: ['departure_delay'],
  }),
});
