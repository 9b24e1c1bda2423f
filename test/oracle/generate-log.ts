/**
 * Random logs that crowd where engines go wrong: equal times, one millisecond around window edges and hops, lateness
 * within and beyond reach, the far future, and values at the bounds of their types.
 */
import { durationMs, floorTo, type ModelSource, type ModelView, outputsOf, type Span } from './model.ts';
import type { OracleRecord } from './decode.ts';
import type { Random } from './random.ts';

/** A record and the JSON text of its value, as a producer would have written it. */
export interface GeneratedRecord extends OracleRecord {
  readonly text: string;
}

const ORIGINS = [1_700_000_000_000, 1_709_251_199_990, 951_868_800_000, 0];
const ENTITIES = ['a', 'b', 'é-ü', ''];
const PLACES = [1, -3];
const IDS = ['9007199254740993', '9007199254740992', '-9223372036854775808', 7];

const DOUBLES = [0, -0, 1, -1, 0.1, 0.2, 0.3, 3, -4.9, 1e16, -1e16, 123456.789, 2 ** 53 + 2];
const EXTREMES = [
  5e-324,
  -5e-324,
  2.2250738585072014e-308,
  2 ** 480,
  -(2 ** 480),
  2 ** 480 * (1 + 2 ** -52),
  2 ** -480,
  2 ** -480 * (1 - 2 ** -53),
  2 ** 960,
  -(2 ** 960),
  2 ** 960 * (1 + 2 ** -52),
  -Number.MAX_VALUE,
];
const INTEGERS = [0, 1, -1, 2, 3, 2 ** 53 - 1, -(2 ** 53 - 1)];
const BAD_INTEGERS = [2 ** 53, -(2 ** 53), 1.5, '1', true];
const BIG_INTEGERS = [
  '9007199254740993',
  '9007199254740992',
  '-9223372036854775808',
  '9223372036854775807',
  0,
  -7,
  '0',
];
const BAD_BIG_INTEGERS = ['9223372036854775808', 2 ** 53, '1.0', ''];
const STRINGS = ['a', 'aa', 'b', '', 'é', '\u{ffff}', '𝄞', "'", 'Z'];
const PAIRS = [
  [0, -0],
  [0.1, 2 ** 970],
];
const LISTS = [[], ['9007199254740993', null, 7], [null]];
const TIMES = [0, 1_700_000_000_000, '2024-03-10T02:30:00.123-05:00', '1969-12-31T23:59:59.999Z'];

export function generateRecords(
  random: Random,
  source: ModelSource,
  views: readonly ModelView[],
  count: number,
): GeneratedRecord[] {
  const spans = views.flatMap((view) => outputsOf(view).flatMap(({ span }) => (span === null ? [] : [span])));
  const aheadMs = durationMs(source.max_ahead ?? '5m');
  const nulls = random.pick([0.05, 0.3]);
  const extremes = random.pick([0, 0.05, 0.4]);
  const entities = random.sample(ENTITIES, random.integer(1, 3));
  const partitions = random.integer(1, 3);
  const nextOffsets = Array.from({ length: partitions }, () => random.pick([0, 17]));
  const times = [random.pick(ORIGINS) + random.integer(0, 1_000)];
  let appendedMs = (times[0] as number) + random.integer(0, 60_000);

  return Array.from({ length: count }, (): GeneratedRecord => {
    let tsMs = nextTime(random, times, spans);
    appendedMs = random.chance(0.9) ? Math.max(appendedMs, tsMs - random.pick([0, 0, aheadMs])) : appendedMs;
    if (random.chance(0.02)) tsMs = appendedMs + aheadMs + random.pick([0, 1, 86_400_000]);
    if (tsMs <= appendedMs + aheadMs) times.push(tsMs);
    const partition = random.integer(0, partitions - 1);
    const offset = nextOffsets[partition] as number;
    nextOffsets[partition] = offset + random.pick([1, 1, 1, 5]);
    const json = {
      k: random.chance(0.02) ? null : random.pick(entities),
      k2: random.pick(PLACES),
      k3: random.chance(0.02) ? null : random.pick(IDS),
      at: random.chance(0.05) ? new Date(tsMs).toISOString() : tsMs,
      x: generateDouble(random, nulls, extremes),
      y: generateDouble(random, random.chance(0.01) ? 1 : 0, extremes),
      n: pickOr(random, nulls, INTEGERS, BAD_INTEGERS),
      i: pickOr(random, nulls, BIG_INTEGERS, BAD_BIG_INTEGERS),
      b: pickOr(random, nulls, [true, false], [1, 'true']),
      c: pickOr(random, nulls, STRINGS, [7, ['a']]),
      t: pickOr(random, nulls, TIMES, ['2024-03-10', 0.5]),
      after: random.pick([null, {}, { deep: null }, { deep: { z: generateDouble(random, nulls, extremes) } }]),
      pair: pickOr(random, nulls, PAIRS, [[1], [1, null], 1]),
      list: pickOr(random, nulls, LISTS, [[1.5], 'list']),
    };
    const present = Object.entries(json).filter(([, value]) => value !== null || random.chance(0.5));
    const text = jsonText(Object.fromEntries(present));
    const parsed = JSON.parse(text) as Record<string, unknown>;
    return { partition, offset, appendedMs, json: parsed, text };
  });
}

/** Mostly near what was before: a tie, an edge, a step, or late. */
function nextTime(random: Random, times: readonly number[], spans: readonly Span[]): number {
  const newest = Math.max(...times);
  const any = random.pick(times);
  const span = spans.length === 0 ? { lengthMs: 1_000, hopMs: 1_000, offsetMs: 0 } : random.pick(spans);
  const around = random.integer(-1, 1);
  switch (random.integer(0, 9)) {
    case 0:
      return any;
    case 1:
      return newest + random.integer(0, 2);
    case 2:
      return floorTo(newest, span.hopMs) + span.hopMs + around;
    case 3:
      return floorTo(any, span.hopMs) + around;
    case 4:
      return floorTo(newest + span.lengthMs, span.hopMs) + around;
    case 5:
      return newest - random.integer(0, span.lengthMs + span.offsetMs);
    case 6:
      return random.chance(0.5)
        ? newest - 2 * (span.lengthMs + span.offsetMs + span.hopMs) - random.integer(0, 9)
        : any;
    case 7:
      return newest + random.integer(0, Math.ceil(span.lengthMs / 4));
    default:
      return newest + random.integer(0, Math.ceil(span.hopMs / 2));
  }
}

function generateDouble(random: Random, nulls: number, extremes: number): unknown {
  if (random.chance(nulls)) return null;
  if (random.chance(0.005)) return random.pick(['1', false, Number.POSITIVE_INFINITY]);
  return random.pick(random.chance(extremes) ? EXTREMES : DOUBLES);
}

function pickOr(random: Random, nulls: number, good: readonly unknown[], bad: readonly unknown[]): unknown {
  if (random.chance(nulls)) return null;
  return random.pick(random.chance(0.005) ? bad : good);
}

/** Like `JSON.stringify`, and −0 as `-0.0`, Infinity as a number too great for a double. */
export function jsonText(value: unknown): string {
  if (Object.is(value, -0)) return '-0.0';
  if (Array.isArray(value)) return `[${value.map(jsonText).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    return `{${Object.entries(value)
      .map(([name, member]) => `"${name}":${jsonText(member)}`)
      .join(',')}}`;
  }
  return value === Number.POSITIVE_INFINITY ? '1e999' : JSON.stringify(value);
}

/** Instants worth asking about: events, window edges and expiries, each with its neighbours. */
export function interestingTimes(random: Random, view: ModelView, tsMs: readonly number[], count: number): number[] {
  const spans = outputsOf(view).flatMap(({ span }) => (span === null ? [] : [span]));
  return Array.from({ length: count }, () => {
    const ts = random.pick(tsMs);
    const around = random.integer(-1, 1);
    if (spans.length === 0 || random.chance(0.25)) return ts + around + 1;
    if (view.max_age !== undefined && random.chance(0.15)) return ts + durationMs(view.max_age) + around;
    const { lengthMs, hopMs, offsetMs } = random.pick(spans);
    const start = random.chance(0.5) ? floorTo(ts, hopMs) + random.pick([0, hopMs]) : ts;
    return start + random.pick([0, offsetMs, lengthMs, lengthMs + offsetMs]) + around;
  });
}
