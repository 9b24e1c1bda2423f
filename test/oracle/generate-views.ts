/** Random definitions: sources, views and features of every aggregation, with windows whose hops nest but do not grow with length. */
import { arithmetic, column, compare, type Expression, literal, not } from './expression.ts';
import type { Kind, ModelFeature, ModelField, ModelSource, ModelView, ModelWindow, OracleValue } from './model.ts';
import { durationMs } from './model.ts';
import type { Random } from './random.ts';

const FIELDS: readonly ModelField[] = [
  { name: 'k', kind: 'string', nullable: true },
  { name: 'k2', kind: 'int', nullable: false },
  { name: 'k3', kind: 'int64', nullable: true },
  { name: 'at', kind: 'timestamp', nullable: false },
  { name: 'x', kind: 'double', nullable: true },
  { name: 'y', kind: 'double', nullable: false },
  { name: 'n', kind: 'int', nullable: true },
  { name: 'i', kind: 'int64', nullable: true },
  { name: 'b', kind: 'bool', nullable: true },
  { name: 'c', kind: 'string', nullable: true },
  { name: 't', kind: 'timestamp', nullable: true },
  { name: 'z', kind: 'double', nullable: true, path: ['after', 'deep', 'z'] },
  { name: 'pair', kind: 'double[2]', nullable: true },
  { name: 'list', kind: 'int64?[]', nullable: true },
];

const [b, c, n, x, y] = [column('b'), column('c'), column('n'), column('x'), column('y')];
const zero = literal(0);

const DERIVED = [
  { name: 'half', expression: arithmetic(x, '/', literal(2)) },
  { name: 'ratio', expression: arithmetic(x, '/', n) },
  { name: 'name', expression: { op: 'coalesce', items: [c, literal('none')] } },
] as const satisfies ModelSource['derive'];

/** Numeric inputs: plain, computed, derived. */
const NUMBERS: readonly (readonly [Expression, Kind])[] = [
  [x, 'double'],
  [x, 'double'],
  [y, 'double'],
  [n, 'int'],
  [n, 'int'],
  [arithmetic(x, '*', literal(1.5)), 'double'],
  [arithmetic(n, '/', literal(3)), 'double'],
  [arithmetic(x, '-', y), 'double'],
  [{ op: 'coalesce', items: [x, literal(0.5)] }, 'double'],
  [column('half'), 'double'],
  [column('z'), 'double'],
  [column('ratio'), 'double'],
];

const OTHERS: readonly (readonly [Expression, Kind])[] = [
  [column('i'), 'int64'],
  [b, 'bool'],
  [c, 'string'],
  [column('t'), 'timestamp'],
  [column('name'), 'string'],
  [compare(x, '>', y), 'bool'],
];

/** What only the aggregations that keep values take. */
const LISTS: readonly (readonly [Expression, Kind])[] = [
  [column('pair'), 'double[2]'],
  [column('list'), 'int64?[]'],
];

const CONDITIONS: readonly Expression[] = [
  b,
  not(b),
  compare(x, '>', zero),
  compare(n, '<=', literal(1)),
  compare(arithmetic(x, '/', n), '>', literal(1)),
  compare(column('i'), '<>', zero),
  compare(c, '<', literal('é')),
  { op: 'is_null', of: x, negated: true },
  { op: 'is_null', of: c, negated: false },
  { op: 'between', of: n, low: literal(-1), high: literal(3) },
  { op: 'in', of: c, list: [literal('a'), literal('𝄞'), literal(null)] },
  { op: 'and', left: not(b), right: compare(x, '>', zero) },
  { op: 'or', left: b, right: compare(y, '>=', zero) },
  { op: 'case', when: b, chosen: literal(true), otherwise: compare(x, '>', zero) },
];

/** Families of hops, each dividing the next; null: DESIGN's table decides. */
const HOP_FAMILIES: readonly (readonly string[] | null)[] = [
  null,
  null,
  ['1ms', '10ms', '1s'],
  ['7ms', '21ms', '126ms'],
  ['1s', '5s', '1m'],
  ['1m', '1h', '1d'],
];
/** Some of a kind differ by less than a hop, so that the longer window may begin later. */
const LENGTHS = [
  '10ms',
  '25ms',
  '28ms',
  '126ms',
  '1s',
  '1001ms',
  '1m',
  '62s',
  '95s',
  '5m',
  '10m',
  '11m',
  '1h',
  '61m',
  '6h',
  '24h',
  '25h',
  '3d',
  '7d',
  '30d',
  '90d',
];
const OFFSETS = ['1ms', '50ms', '1s', '7s', '1m', '1h', '25h', '7d'];

export function generateSource(random: Random): ModelSource {
  const withId = random.chance(0.15);
  return {
    name: 's',
    fields: FIELDS,
    derive: DERIVED,
    event_time: 'at',
    ...(withId && { event_id: random.pick(['i', 'n', 'c']) }),
    clock: random.pick(['wall', 'watermark']),
    max_disorder: random.pick(['0ms', '5ms', '1s', '1m', '1h', '30d']),
    ...(random.chance(0.3) && { max_ahead: random.pick(['0ms', '1s', '1h']) }),
  };
}

const KEY_SETS: readonly ModelView['keys'][] = [
  [{ name: 'k', kind: 'string', column: 'k' }],
  [{ name: 'id', kind: 'int64', column: 'k3' }],
  [
    { name: 'k', kind: 'string', column: 'k' },
    { name: 'place', kind: 'int', column: 'k2' },
  ],
  [{ name: 'named', kind: 'string', column: 'name' }],
];

export function generateView(random: Random, source: ModelSource, index: number): ModelView {
  const headMax = random.integer(1, 12);
  const hops = random.pick(HOP_FAMILIES);
  // Lengths of one neighbourhood, so that one log can matter to all of them.
  const first = random.integer(0, LENGTHS.length - 4);
  const lengths = LENGTHS.slice(first, first + random.integer(2, 6));
  const features = Array.from({ length: random.integer(1, 6) }, (_, at) =>
    generateFeature(random, `f${at}`, () => generateWindows(random, lengths, hops)),
  );
  return {
    name: `v${index}`,
    source,
    keys: random.pick(KEY_SETS),
    ...(random.chance(0.3) && { where: random.pick(CONDITIONS) }),
    ...(random.chance(0.4) && { max_age: random.pick([...lengths, '1ms', '3ms']) }),
    ...(random.chance(0.8) && { history: random.pick(['0ms', '0ms', '0ms', '2ms', '1s', '1m']) }),
    ...(random.chance(0.3) && { incomplete: random.pick(['withhold', 'serve'] as const) }),
    head_max: headMax,
    head_limit: headMax + random.pick([0, 1, 3, 20, 500]),
    features,
  };
}

function generateWindows(random: Random, lengths: readonly string[], hops: readonly string[] | null): ModelWindow[] {
  const windows = random.sample(lengths, random.integer(1, 4)).map((length): ModelWindow => {
    const fitting = hops?.filter((hop) => durationMs(hop) <= durationMs(length)) ?? [];
    const offset = random.chance(0.25) && { offset: random.pick(OFFSETS) };
    // A family without a hop that fits, or none at all, leaves it to the table, whose hops divide one another and 1s.
    if (hops !== null && fitting.length === 0) return 'lifetime';
    if (hops !== null) return { length, hop: random.pick(fitting), ...offset };
    if (durationMs(length) < 1_000) return { length, hop: '1ms', ...offset };
    return offset === false ? length : { length, ...offset };
  });
  const names = windows.map((window) => JSON.stringify(window));
  return windows.filter((window, at) => names.indexOf(JSON.stringify(window)) === at);
}

function generateFeature(random: Random, name: string, windows: () => ModelWindow[]): ModelFeature {
  const shared = {
    name,
    ...(random.chance(0.3) && { where: random.pick(CONDITIONS) }),
    ...(random.chance(0.85) && { windows: windows() }),
  };
  const [number, numberKind] = random.pick(NUMBERS);
  const [any, anyKind] = random.pick([...NUMBERS, ...OTHERS]);
  const [kept, keptKind] = random.pick([...NUMBERS, ...OTHERS, ...OTHERS, ...LISTS]);
  const fallback = (kind: Kind): { default: OracleValue } | false => {
    if (!random.chance(0.2)) return false;
    if (kind === 'double') return { default: 2.5 };
    if (kind === 'string') return { default: 'none' };
    return kind === 'int' && { default: -1 };
  };
  const agg = random.pick(AGGREGATIONS);
  switch (agg) {
    case 'count':
    case 'time_since_last':
      return { ...shared, agg, ...(random.chance(0.4) && { of: any }) };
    case 'sum':
    case 'mean':
    case 'variance':
    case 'stddev':
      return { ...shared, agg, of: number, ...fallback('double') };
    case 'min':
    case 'max':
      return { ...shared, agg, of: any, ...fallback(anyKind) };
    case 'first':
    case 'last':
      return { ...shared, agg, of: kept, ...fallback(keptKind) };
    case 'last_n':
      if (random.chance(0.5)) return { ...shared, agg, of: kept, n: random.integer(1, 6) };
      return {
        ...shared,
        agg,
        members: [
          ['amount', number],
          ['kept', kept],
        ],
        n: random.integer(1, 6),
      };
    case 'count_distinct':
      return { ...shared, agg, of: any };
    case 'top_k': {
      const keysMax = random.integer(1, 4);
      const of = random.pick([n, b, c, column('i'), column('t')]);
      return { ...shared, agg, of, k: random.integer(1, keysMax), keys_max: keysMax };
    }
    case 'histogram':
      return { ...shared, agg, of: number, edges: random.pick([[0], [-1, 0, 1], [0.1, 3, 1e16], [-4.9, 5e-324]]) };
    case 'quantile':
      return { ...shared, agg, of: number, q: random.pick([0, 0.25, 0.5, 0.99, 1]), ...fallback(numberKind) };
  }
}

const AGGREGATIONS = [
  'count',
  'sum',
  'mean',
  'variance',
  'stddev',
  'min',
  'max',
  'first',
  'last',
  'last_n',
  'time_since_last',
  'count_distinct',
  'top_k',
  'top_k',
  'histogram',
  'quantile',
] as const;
