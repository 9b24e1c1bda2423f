/** The edges of time and of numbers, one at a time, with answers worked out by hand. */
import { column } from '../oracle/expression.ts';
import type { ModelFeature, ModelSource, ModelView, OracleValue } from '../oracle/model.ts';

const MINUTE = 60_000;
/** On the edge of every hop. */
const NOON = Date.UTC(2024, 1, 29, 12);

export const SOURCE: ModelSource = {
  name: 's',
  event_time: 'at',
  clock: 'watermark',
  max_disorder: '0ms',
  fields: [
    { name: 'k', kind: 'string', nullable: true },
    { name: 'at', kind: 'timestamp', nullable: false },
    { name: 'x', kind: 'double', nullable: true },
    { name: 'n', kind: 'int', nullable: true },
    { name: 'i', kind: 'int64', nullable: true },
  ],
};

const x = column('x');
const COUNT: ModelFeature = { name: 'f', agg: 'count', windows: ['5m'] };
const SUM: ModelFeature = { name: 'f', agg: 'sum', of: x, windows: ['5m'] };

/** A time and the text of its other fields; offsets count up. */
type Event = readonly [atMs: number, fields?: string];

export interface BoundaryCase {
  readonly of: string;
  readonly feature: ModelFeature;
  readonly view?: Partial<ModelView>;
  readonly events: readonly Event[];
  readonly asOf: number;
  /** The value, and its status where it is not PRESENT. */
  readonly value: OracleValue;
  readonly status?: string;
  /** Append time of every record; after all events when absent. */
  readonly appendedMs?: number;
}

const at = (...times: readonly number[]): Event[] => times.map((time) => [time]);
const valued = (...values: readonly string[]): Event[] => values.map((value) => [NOON - MINUTE, `"x":${value}`]);
const number = (...values: readonly string[]): Event[] => values.map((value) => [NOON - MINUTE, `"n":${value}`]);
const long = (...values: readonly string[]): Event[] => values.map((value) => [NOON - MINUTE, `"i":${value}`]);
const last = (field: string): ModelFeature => ({ name: 'f', agg: 'last', of: column(field), windows: ['5m'] });
/** Every event but the newest is sealed at once. */
const SEALING: Partial<ModelView> = { head_max: 1, head_limit: 1, history: '0ms' };

export const BOUNDARY_CASES: readonly BoundaryCase[] = [
  { of: 'an event at as_of is excluded', feature: COUNT, events: at(NOON - 1, NOON), asOf: NOON, value: 1 },
  { of: 'an event one millisecond before as_of counts', feature: COUNT, events: at(NOON - 1), asOf: NOON, value: 1 },
  { of: 'an event at t − w on a hop edge counts', feature: COUNT, events: at(NOON - 5 * MINUTE), asOf: NOON, value: 1 },
  {
    of: 'an event one millisecond before t − w on a hop edge does not',
    feature: COUNT,
    events: at(NOON - 5 * MINUTE - 1, NOON - 1),
    asOf: NOON,
    value: 1,
  },
  {
    of: 'within a hop the tail stands still',
    feature: COUNT,
    events: at(NOON - 5 * MINUTE, NOON - 5 * MINUTE - 1),
    asOf: NOON + 4_999,
    value: 1,
  },
  {
    of: 'at the next hop edge the tail moves',
    feature: COUNT,
    events: at(NOON - 5 * MINUTE, NOON - 5 * MINUTE + 4_999, NOON - 5 * MINUTE + 5_000),
    asOf: NOON + 5_000,
    value: 1,
  },
  {
    of: 'an offset window is aligned at both edges',
    feature: { ...COUNT, windows: [{ length: '1m', offset: '1h' }] },
    events: at(
      NOON - 61 * MINUTE - 1,
      NOON - 61 * MINUTE,
      NOON - 60 * MINUTE - 1,
      NOON - 60 * MINUTE,
      NOON - 60 * MINUTE + 400,
    ),
    asOf: NOON + 999,
    value: 2,
  },
  {
    of: 'a window from before the epoch is floored toward the past',
    feature: { ...COUNT, windows: [{ length: '10ms', hop: '7ms' }] },
    events: at(-15, -14, -8, -1),
    asOf: -1,
    value: 2,
  },
  {
    of: 'sealed events count up to the millisecond of the tail, too',
    feature: COUNT,
    view: SEALING,
    events: at(NOON - 5 * MINUTE - 1, NOON - 5 * MINUTE, NOON - 4 * MINUTE, NOON - 1),
    asOf: NOON,
    value: 3,
  },
  {
    of: 'a late event below the seal lands in its place',
    feature: SUM,
    view: SEALING,
    events: [
      [NOON - 2 * MINUTE, '"x":1'],
      [NOON - MINUTE, '"x":2'],
      [NOON - 3 * MINUTE, '"x":4'],
      [NOON - 6 * MINUTE, '"x":8'],
    ],
    asOf: NOON,
    value: 7,
  },
  {
    of: 'a late event beyond reach is dropped, and leaves what is known alone',
    feature: COUNT,
    view: SEALING,
    events: at(NOON - 2, NOON - 1, NOON - 60 * MINUTE),
    asOf: NOON,
    value: 2,
  },
  {
    of: 'an event exactly max_ahead ahead of its append time is accepted',
    feature: COUNT,
    events: at(NOON - 1),
    asOf: NOON,
    appendedMs: NOON - 1 - 5 * MINUTE,
    value: 1,
  },
  {
    of: 'one millisecond more is rejected',
    feature: COUNT,
    events: at(NOON - 1),
    asOf: NOON,
    appendedMs: NOON - 2 - 5 * MINUTE,
    value: null,
    status: 'NOT_FOUND',
  },
  {
    of: 'of equal times the later offset is last',
    feature: last('x'),
    events: valued('1', '2', '3'),
    asOf: NOON,
    value: 3,
  },
  {
    of: 'count over an empty window of a known entity is 0',
    feature: { ...COUNT, windows: ['5m', '1h'] },
    events: at(NOON - 30 * MINUTE),
    asOf: NOON,
    value: 0,
  },
  {
    of: 'sum over an empty window of a known entity is 0',
    feature: { ...SUM, windows: ['5m', '1h'] },
    events: [[NOON - 30 * MINUTE, '"x":1']],
    asOf: NOON,
    value: 0,
  },
  {
    of: 'mean over an empty window of a known entity is null',
    feature: { ...SUM, agg: 'mean', windows: ['5m', '1h'] },
    events: [[NOON - 30 * MINUTE, '"x":1']],
    asOf: NOON,
    value: null,
    status: 'NULL_VALUE',
  },
  {
    of: 'an entity without an event within reach is not found',
    feature: COUNT,
    events: at(NOON - 5 * MINUTE - 1),
    asOf: NOON,
    value: null,
    status: 'NOT_FOUND',
  },
  {
    of: 'an entity at the end of its reach is found',
    feature: { ...COUNT, windows: ['1m', { length: '5m', offset: '1m' }] },
    events: at(NOON - 6 * MINUTE),
    asOf: NOON,
    value: 0,
  },
  {
    of: 'an event exactly max_age old is served',
    feature: { ...COUNT, windows: ['lifetime'] },
    view: { max_age: '1h' },
    events: at(NOON - 60 * MINUTE),
    asOf: NOON,
    value: 1,
  },
  {
    of: 'one millisecond older is withheld',
    feature: { ...COUNT, windows: ['lifetime'] },
    view: { max_age: '1h' },
    events: at(NOON - 60 * MINUTE - 1),
    asOf: NOON,
    value: null,
    status: 'OUTSIDE_MAX_AGE',
  },
  { of: '−0 becomes +0', feature: last('x'), events: valued('-0.0'), asOf: NOON, value: 0 },
  {
    of: 'subnormals are summed exactly',
    feature: SUM,
    events: valued('5e-324', '5e-324', '1', '-1'),
    asOf: NOON,
    value: 1e-323,
  },
  { of: 'sum is rounded once', feature: SUM, events: valued('1e16', '1', '-1e16', '1'), asOf: NOON, value: 2 },
  {
    of: 'sum accepts 2^960',
    feature: SUM,
    events: valued(String(2 ** 960), String(2 ** 960)),
    asOf: NOON,
    value: 2 ** 961,
  },
  {
    of: 'sum rejects the next double as a record',
    feature: SUM,
    events: valued('1', String(2 ** 960 * (1 + 2 ** -52))),
    asOf: NOON,
    value: 1,
  },
  {
    of: 'variance accepts 2^480 and 2^−480',
    feature: { ...SUM, agg: 'variance' },
    events: valued(String(2 ** 480), String(2 ** -480)),
    asOf: NOON,
    value: 2 ** 959,
  },
  {
    of: 'variance rejects what is above 2^480 or below 2^−480',
    feature: { ...SUM, agg: 'variance' },
    events: valued('1', '3', String(2 ** 480 * (1 + 2 ** -52)), String(2 ** -480 * (1 - 2 ** -53))),
    asOf: NOON,
    value: 2,
  },
  {
    of: 'variance of one value is null',
    feature: { ...SUM, agg: 'variance' },
    events: valued('0'),
    asOf: NOON,
    value: null,
    status: 'NULL_VALUE',
  },
  {
    of: 'an int goes up to 2^53 − 1',
    feature: { ...last('n'), agg: 'max' },
    events: number('1', '9007199254740991', '9007199254740992', '9007199254740993'),
    asOf: NOON,
    value: 9007199254740991,
  },
  {
    of: 'an int goes down to −(2^53 − 1)',
    feature: { ...last('n'), agg: 'min' },
    events: number('1', '-9007199254740991', '-9007199254740992'),
    asOf: NOON,
    value: -9007199254740991,
  },
  {
    of: 'an int64 beyond 2^53 is exact as a string',
    feature: last('i'),
    events: long('"9007199254740993"'),
    asOf: NOON,
    value: 9007199254740993n,
  },
  {
    of: 'an int64 beyond 2^53 is rejected as a number, and beyond 64 bits as anything',
    feature: last('i'),
    events: long('"-9223372036854775808"', '9007199254740993', '"9223372036854775808"'),
    asOf: NOON,
    value: -9223372036854775808n,
  },
  {
    of: 'NaN and infinities are no numbers of JSON, and a number too great for a double is rejected',
    feature: SUM,
    events: valued('1', '1e309', '-1e309'),
    asOf: NOON,
    value: 1,
  },
];
