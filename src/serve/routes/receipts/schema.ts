/** What checking receipts takes and answers. */
import { Type } from 'typebox';
import { reference, responses } from '../../schemas.ts';

/** One replay reads all that the log holds of their sources, so more of them at once cost little; and nobody waits for ever. */
export const RECEIPTS_MAX = 100;

/** Of the flights example as it is loaded. */
const EXAMPLE_RECEIPT =
  'eyJmb3JtYXQiOjIsInNlcnZpY2UiOiJkZXBhcnR1cmVfZGVsYXkiLCJ2ZXJzaW9uIjoxLCJmaW5nZXJwcmludCI6IjU4MDE0MzQ4Y2EwZGRhODNmNmNkMGI2ZTFjY2NjMmQwIiwiZmVhdHVyZXMiOlswLDQ4XSwiYXNfb2YiOiIyMDEzLTAxLTMxVDIyOjAwOjAwLjAwMFoiLCJlbnRpdHkiOnsib3JpZ2luIjoiSkZLIiwiY2FycmllciI6IkI2IiwidGFpbG51bSI6Ik41ODNKQiIsImRlc3QiOiJMQVgiLCJzY2hlZHVsZWRfaG91ciI6MTcsImRpc3RhbmNlIjoyNDc1fSwic2hhcmRzIjpbeyJzb3VyY2UiOiJkZXBhcnR1cmVzIiwiZW50aXR5X2tleSI6Im9yaWdpbiIsInBhcnRpdGlvbiI6MCwicG9zaXRpb24iOnsiMCI6MjcwMDR9fV0sInJlYWRzIjpbMF0sImRpZ2VzdCI6IjRucFI5TU1kVUtRNG4zSEsifQ';

const ReceiptText = Type.String({ minLength: 1, description: 'As a vector carried it', examples: [EXAMPLE_RECEIPT] });
const AnyValue = Type.Unsafe<unknown>({ description: 'As it was served' });

const ServedVector = Type.Object(
  {
    receipt: ReceiptText,
    values: Type.Optional(Type.Array(AnyValue, { description: 'As they were served' })),
    features: Type.Optional(
      Type.Array(Type.String(), { description: 'Names that align with `values`; those of the receipt if absent' }),
    ),
    status: Type.Optional(Type.Array(Type.String(), { description: 'Aligned with `values`, to be compared as well' })),
    issues: Type.Optional(
      Type.Record(Type.String(), Type.String(), {
        description: 'By feature, to be compared as well; a feature that is not in it was ordinary',
      }),
    ),
  },
  { additionalProperties: false },
);

export const VerifyBody = Type.Object(
  {
    receipts: Type.Optional(
      Type.Array(ReceiptText, {
        minItems: 1,
        maxItems: RECEIPTS_MAX,
        description: 'Receipts alone: the digest that each holds tells whether its values were those of the replay',
      }),
    ),
    vectors: Type.Optional(
      Type.Array(ServedVector, {
        minItems: 1,
        maxItems: RECEIPTS_MAX,
        description: 'Vectors as they were served: what differs is told by feature',
      }),
    ),
  },
  {
    additionalProperties: false,
    description: 'Either `receipts` or `vectors`',
    examples: [{ receipts: [EXAMPLE_RECEIPT] }],
  },
);

const Result = Type.Object(
  {
    result: Type.Unsafe<string>({
      type: 'string',
      enum: ['same_bits', 'different', 'not_reproducible', 'erased'],
      description:
        '`same_bits`: the replay gives what was served. `different`: it does not. `not_reproducible`: definitions or log no longer hold what it takes. `erased`: the entity was erased since.',
    }),
    reason: Type.Unsafe<string | null>({ type: ['string', 'null'] }),
    service: Type.String(),
    version: Type.Integer(),
    fingerprint: Type.String(),
    as_of: Type.String(),
    entity: Type.Unsafe<Record<string, unknown>>({ type: 'object', additionalProperties: true }),
    differences: Type.Array(
      Type.Object(
        {
          feature: Type.String(),
          served: AnyValue,
          replayed: AnyValue,
          served_status: Type.Unsafe<string | null>({ type: ['string', 'null'], description: 'null: not given along' }),
          replayed_status: reference('Status'),
          event_count: Type.Integer({ description: 'Events that the replayed value comes from' }),
          events: Type.Array(
            Type.Object(
              { source: Type.String(), partition: Type.Integer(), offset: Type.Integer(), ts: Type.String() },
              { additionalProperties: false },
            ),
            { description: 'The newest of them, at most 100' },
          ),
        },
        { additionalProperties: false },
      ),
    ),
    replayed: Type.Unsafe<Record<string, unknown> | null>({
      type: ['object', 'null'],
      additionalProperties: true,
      description: 'What the replay gives, by feature; null: there is none',
    }),
  },
  { additionalProperties: false },
);

export const verifyResponses = responses(
  {
    description: 'One result for each receipt or vector, in their order.',
    schema: Type.Object({ results: Type.Array(Result) }, { additionalProperties: false }),
    example: {
      results: [
        {
          result: 'different',
          reason: null,
          service: 'departure_delay',
          version: 1,
          fingerprint: '58014348ca0dda83f6cd0b6e1cccc2d0',
          as_of: '2013-01-31T22:00:00.000Z',
          entity: { origin: 'JFK', scheduled_hour: 17 },
          differences: [
            {
              feature: 'departures_1h',
              served: 35,
              replayed: 34,
              served_status: 'PRESENT',
              replayed_status: 'PRESENT',
              event_count: 34,
              events: [{ source: 'departures', partition: 0, offset: 26712, ts: '2013-01-31T21:59:00.000Z' }],
            },
          ],
          replayed: { departures_1h: 34 },
        },
      ],
    },
  },
  [400, 403, 404, 413, 415],
);
