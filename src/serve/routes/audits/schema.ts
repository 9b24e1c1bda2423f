/** `GET /v1/audits`: what an audit found of one service. */
import { Type } from 'typebox';

const closed = { additionalProperties: false } as const;
const number = (description: string) => Type.Unsafe<number | null>({ type: ['number', 'null'], description });
const counts = (description: string) => Type.Record(Type.String(), Type.Integer(), { description });

const FeatureSchema = Type.Object(
  {
    feature: Type.String(),
    compared: Type.Integer({ description: 'Values that the replay could be held against' }),
    mismatched: Type.Integer({
      description: 'Of these, other bits than the replay gives, or another status: 0, or something is wrong',
    }),
    skipped: counts('Values that were not compared, by reason: a status of the moment, or `not_reproducible`'),
    differing: Type.Integer({ description: 'Of those compared, other than what is true by event time' }),
    missing: Type.Integer({ description: 'No value was served, and there is one by event time' }),
    extra: Type.Integer({ description: 'A value was served, and there is none by event time' }),
    mean_difference: number('Between numbers, over those that differ; null: there are none'),
    largest_difference: number('Of the same'),
  },
  closed,
);

const ExampleSchema = Type.Object(
  {
    feature: Type.String(),
    partition: Type.Integer({ description: 'Of the served log' }),
    offset: Type.Integer(),
    as_of: Type.String(),
  },
  closed,
);

export const AuditSchema = Type.Object(
  {
    id: Type.String(),
    audited_at: Type.String(),
    kind: Type.Unsafe<string>({
      type: 'string',
      enum: ['new', 'range'],
      description: '`new`: rows that no such audit had seen; `range`: those that somebody asked for',
    }),
    service: Type.String(),
    version: Type.Integer(),
    fingerprint: Type.String(),
    served_from: Type.String({ description: 'When the first of the rows was served' }),
    served_until: Type.String({ description: 'When the last one was' }),
    rows: Type.Integer(),
    skipped: counts('Rows of which nothing was compared, by reason'),
    compared: Type.Integer({ description: 'Values, of all features' }),
    mismatched: Type.Integer({ description: '0, or something served was not what the log gives' }),
    features: Type.Array(FeatureSchema, { description: 'In the order of the service' }),
    examples: Type.Array(ExampleSchema, { description: 'Where a few of the mismatches are in the served log' }),
  },
  closed,
);

export const AUDIT_EXAMPLE = {
  id: '41',
  audited_at: '2013-01-31T18:00:00.000Z',
  kind: 'new',
  service: 'departure_delay',
  version: 1,
  fingerprint: '58014348ca0dda83f6cd0b6e1cccc2d0',
  served_from: '2013-01-31T17:00:00.250Z',
  served_until: '2013-01-31T17:59:58.112Z',
  rows: 1204,
  skipped: { erased: 2 },
  compared: 1200,
  mismatched: 0,
  features: [
    {
      feature: 'delay_mean_1h',
      compared: 1200,
      mismatched: 0,
      skipped: { UNAVAILABLE: 2 },
      differing: 31,
      missing: 3,
      extra: 0,
      mean_difference: 1.25,
      largest_difference: 14.5,
    },
  ],
  examples: [],
};
