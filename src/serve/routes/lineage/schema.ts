/** The lineage as it is asked for and answered. */
import { type Static, type TUnsafe, Type } from 'typebox';
import { EDGE_KINDS, NODE_KINDS } from '../../../definition/lineage.ts';
import { DIRECTIONS, type Direction } from '../../../definition/lineage-walk.ts';

export const DEPTH_MAX = 100;
const ID_LENGTH_MAX = 512;

const oneOf = <T extends string>(values: readonly T[], description: string, more: object = {}): TUnsafe<T> =>
  Type.Unsafe<T>({ type: 'string', enum: [...values], description, ...more });
const nullableText = (description: string) => Type.Unsafe<unknown>({ type: ['string', 'null'], description });
const closed = { additionalProperties: false } as const;

export const LineageQuerySchema = Type.Object(
  {
    node: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: ID_LENGTH_MAX,
        description: 'Id of a node; without it, the whole graph',
        examples: ['feature:origin_departures@1.delay_mean_24h'],
      }),
    ),
    direction: oneOf<Direction>(DIRECTIONS, 'What the node comes from, what comes from it, or both', {
      default: 'both',
    }),
    depth: Type.Integer({ minimum: 1, maximum: DEPTH_MAX, default: DEPTH_MAX, description: 'Edges away at most' }),
  },
  closed,
);

export type LineageQuery = Static<typeof LineageQuerySchema>;

export const LineageSchema = Type.Object(
  {
    node: nullableText('The node that was asked about; null: the whole graph'),
    nodes: Type.Array(
      Type.Object(
        {
          id: Type.String({ description: '`<kind>:<name>`, stable' }),
          kind: oneOf(NODE_KINDS, 'What it is'),
          name: Type.String({ description: 'Within what it is part of' }),
          type: nullableText('Of its value; null where it holds none'),
          detail: nullableText('The expression, the path in the record or the aggregation that it is'),
          description: Type.String(),
          owner: Type.String({ description: 'Its own, or that of what it is part of' }),
          tags: Type.Array(Type.String()),
          deprecated: nullableText('The day it is given up'),
        },
        closed,
      ),
      { description: 'By id' },
    ),
    edges: Type.Array(
      Type.Object(
        {
          from: Type.String(),
          to: Type.String(),
          kind: oneOf(
            EDGE_KINDS,
            '`value`: computed with it. `filter`, `key`, `time`: it decides whether, for whom and when an event counts. `events`: the records as a whole. `holds`: a part of it. `reads`: has asked for it. `may_read`: has a key for it, and has not asked since this process started.',
          ),
        },
        closed,
      ),
    ),
  },
  closed,
);

const DELAY_MEAN = 'feature:origin_departures@1.delay_mean_24h';
const DEP_DELAY = 'field:departures.dep_delay';

export const LINEAGE_EXAMPLE = {
  node: DELAY_MEAN,
  nodes: [
    {
      id: DELAY_MEAN,
      kind: 'feature',
      name: 'delay_mean_24h',
      type: 'double?',
      detail: 'mean, 24h',
      description: 'Mean departure delay in minutes; leaving early counts below zero.',
      owner: 'ops-ml',
      tags: ['delay'],
      deprecated: null,
    },
    {
      id: DEP_DELAY,
      kind: 'field',
      name: 'dep_delay',
      type: 'double?',
      detail: 'dep_delay',
      description: '',
      owner: 'flight-data',
      tags: [],
      deprecated: null,
    },
  ],
  edges: [{ from: DEP_DELAY, to: DELAY_MEAN, kind: 'value' }],
};
