/** The table that generated expressions are evaluated over: columns of every type, rows of ordinary and extreme values. */
import type { Random } from '../../oracle/random.ts';
import type { Kind } from './piece.ts';

export type Cell = null | string | number | bigint | boolean;

export interface Column {
  readonly name: string;
  readonly kind: Kind;
  readonly nullable: boolean;
  readonly values: readonly Cell[];
}

const INT_MAX = Number.MAX_SAFE_INTEGER;
const INTS: readonly number[] = [
  0,
  1,
  -1,
  2,
  3,
  5,
  7,
  -8,
  10,
  12,
  60,
  1_000,
  2_147_483_648,
  -4_294_967_296,
  INT_MAX,
  -INT_MAX,
];
const SMALL_INTS: readonly number[] = [-6, -3, -2, -1, 0, 1, 2, 3, 4, 6];
const DOUBLES: readonly number[] = [
  0, 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, 3, 0.1, 0.2, 10, -17.25, 1e-9, 123456.789, 2251799813685249.5, 9007199254740992,
  5e-324, -5e-324, 2.2250738585072014e-308, 1e300, -1e300, 1.7976931348623157e308, 1e19, -9.3e18,
];
const STRINGS: readonly string[] = [
  '',
  ' ',
  'a',
  'A',
  'b',
  'ab',
  'abc',
  'Hello',
  ' padded ',
  '\u00a0wide\u3000',
  'tab\t',
  "it's",
  '100%',
  'a_b',
  '\\',
  '"',
  'é',
  'e\u0301',
  'É',
  'naïve',
  'ÀÉÎ',
  'αβγ',
  'Я',
  '日本',
  '\u{1f600}',
  'x\u{1f600}y',
  '\u{1f468}\u200d\u{1f469}',
  '\uffee',
  '\u{10000}',
  'aaaa',
  'abab',
];
/** Strings that CAST reads, or nearly. */
const NUMERALS: readonly string[] = [
  '0',
  '1',
  '12',
  '-3',
  '+5',
  ' 7 ',
  '007',
  '1.5',
  '-0.25',
  '.5',
  '5.',
  '1e3',
  '1E-3',
  '9007199254740991',
  '9007199254740993',
  '-9223372036854775808',
  '9223372036854775808',
  '1e400',
  '',
  'abc',
  '1_000',
  '0x1F',
  'inf',
  'nan',
  '- 1',
  '1 2',
  'true',
  'TRUE',
  't',
  'f',
  'no',
  'Y',
  'on',
];
const INSTANTS: readonly string[] = [
  '2013-01-31T17:00:00Z',
  '2013-01-31t17:00:00.5z',
  '2013-01-31 17:00:00.123456+05:30',
  '1969-12-31T23:59:59.999Z',
  '2000-02-29T00:00:00-11:45',
  '2013-02-30T00:00:00Z',
  '2013-01-31T24:00:00Z',
  '2013-01-31T23:59:60Z',
  '2013-01-31',
  '2013-01-31T17:00:00',
  '2013-01-31T17:00Z',
  '',
  'x',
  '0001-01-01T00:00:00Z',
];
const TIMESTAMPS: readonly number[] = [
  0, 1, -1, 1_359_651_600_000, 1_359_651_600_123, 951_782_400_000, -62_135_596_800_000, 253_402_300_799_999,
  1_362_898_799_999, -86_400_001,
];
const INT64S: readonly bigint[] = [
  0n,
  1n,
  -1n,
  7n,
  1_000n,
  9_007_199_254_740_992n,
  9_007_199_254_740_993n,
  -9_007_199_254_740_993n,
  2n ** 63n - 1n,
  -(2n ** 63n),
  2n ** 62n,
];

interface Pool {
  readonly name: string;
  readonly kind: Kind;
  readonly nullable: boolean;
  readonly pool: readonly Cell[];
}

const POOLS: readonly Pool[] = [
  { name: 'i', kind: 'int', nullable: true, pool: INTS },
  { name: 'j', kind: 'int', nullable: false, pool: INTS },
  { name: 'k', kind: 'int', nullable: true, pool: SMALL_INTS },
  { name: 'x', kind: 'double', nullable: true, pool: DOUBLES },
  { name: 'y', kind: 'double', nullable: false, pool: DOUBLES },
  { name: 'z', kind: 'double', nullable: true, pool: DOUBLES },
  { name: 's', kind: 'string', nullable: true, pool: STRINGS },
  { name: 't', kind: 'string', nullable: false, pool: STRINGS },
  { name: 'numeral', kind: 'string', nullable: true, pool: NUMERALS },
  { name: 'instant', kind: 'string', nullable: true, pool: INSTANTS },
  { name: 'p', kind: 'bool', nullable: true, pool: [true, false] },
  { name: 'q', kind: 'bool', nullable: false, pool: [true, false] },
  { name: 'v', kind: 'int64', nullable: true, pool: INT64S },
  { name: 'w', kind: 'int64', nullable: false, pool: INT64S },
  { name: 'ts', kind: 'timestamp', nullable: true, pool: TIMESTAMPS },
  { name: 'seen', kind: 'timestamp', nullable: false, pool: TIMESTAMPS },
];

/** Every value of every pool appears; pools repeat in another order each time, so that columns meet each other. */
export function createColumns(random: Random, rowCount: number): readonly Column[] {
  return POOLS.map(({ name, kind, nullable, pool }) => {
    const values: Cell[] = [];
    while (values.length < rowCount) values.push(...random.shuffle([...pool, ...(nullable ? [null, null] : [])]));
    return { name, kind, nullable, values: values.slice(0, rowCount) };
  });
}
