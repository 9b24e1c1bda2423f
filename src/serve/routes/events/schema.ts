/** What ingest takes and answers. */
import { Type } from 'typebox';
import { responses } from '../../schemas.ts';

export const EVENTS_MAX = 1_000;

export const EventsBody = Type.Object(
  {
    events: Type.Array(Type.Unsafe<unknown>({ description: 'An object with the fields of the source' }), {
      minItems: 1,
      maxItems: EVENTS_MAX,
    }),
  },
  {
    additionalProperties: false,
    examples: [
      {
        events: [
          {
            flight_id: '2013-01-31/B6/23',
            scheduled_at: '2013-01-31T22:00:00Z',
            departed_at: '2013-01-31T22:09:00Z',
            origin: 'JFK',
            dest: 'LAX',
            carrier: 'B6',
            flight: 23,
            tailnum: 'N583JB',
            dep_delay: 9,
            distance: 2475,
            cancelled: false,
          },
        ],
      },
    ],
  },
);

/** Whatever they hold, the request is taken. */
export const EventsHeaders = Type.Object({
  traceparent: Type.Optional(
    Type.String({
      description:
        'W3C trace context. Written to every record appended, as a header of this name, and to the dead letter of a record that a view cannot take. Ignored where it is not valid',
      examples: ['00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'],
    }),
  ),
  tracestate: Type.Optional(
    Type.String({
      description: 'Goes with a valid `traceparent`; of more than 32 members or 512 characters, the first that fit',
      examples: ['vendor=value'],
    }),
  ),
});

export const eventsResponses = responses(
  {
    description: 'What was appended, durably, and what was refused. Refused events do not keep the others out.',
    schema: Type.Object(
      {
        position: Type.String({ description: 'Opaque: give it to a read as `after`' }),
        accepted: Type.Integer(),
        rejected: Type.Array(
          Type.Object(
            {
              index: Type.Integer({ description: 'Into `events`' }),
              code: Type.String(),
              message: Type.String(),
            },
            { additionalProperties: false },
          ),
        ),
      },
      { additionalProperties: false },
    ),
    example: {
      position: 'eyJkZXBhcnR1cmVzIjp7IjAiOjI3MDA1fX0',
      accepted: 1,
      rejected: [{ index: 1, code: 'wrong_type', message: 'dep_delay: expected double, found a string' }],
    },
  },
  [400, 404, 409, 413, 415],
);
