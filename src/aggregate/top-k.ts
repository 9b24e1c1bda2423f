/**
 * `top_k`: the `k` most frequent values, by count descending, then value ascending (strings by UTF-8 bytes); [] over
 * none. A state that meets more than `keys_max` values gives up for good, so that it does not matter in which order
 * it met them: the window is then OVER_LIMIT.
 */
import { assert } from '../core/assert.ts';
import { type ByteReader, type ByteWriter, CorruptBytesError } from '../core/bytes.ts';
import type { AggregationParams } from '../definition/definition.ts';
import type { ScalarKind, Value, ValueType } from '../core/value.ts';
import { type Aggregation, type Algebra, OVER_LIMIT } from './aggregation.ts';
import { numberParam } from './params.ts';
import { compareScalars } from './total-order.ts';
import { arrayOf, requireKind, type TypeProblem } from './type-rules.ts';
import { compileValueCodec, type ValueCodec, valueBytesMax } from './value-codec.ts';

type Key = string | number | bigint | boolean;

interface TopKState {
  /** Null once there were more than `keys_max` keys. */
  counts: Map<Key, number> | null;
}

const KINDS: readonly ScalarKind[] = ['string', 'int', 'int64', 'bool', 'timestamp'];

export const topK: Aggregation<TopKState> = {
  name: 'top_k',
  of: 'required',
  params: [
    { name: 'k', kind: 'integer', min: 1, max: 100, defaultValue: null },
    { name: 'keys_max', kind: 'integer', min: 1, max: 10_000, defaultValue: 1_000 },
  ],
  magnitude: 'any',
  relativeToAsOf: false,
  resultType: (input, params) =>
    requireKind('top_k', input, KINDS, adviceFor) ??
    requireRoom(params) ??
    arrayOf((input as { type: ValueType }).type),
  stateKey: (params) => `top_k:${numberParam(params, 'keys_max')}`,
  algebra: (input, params) => topKAlgebra(input, numberParam(params, 'keys_max')),
  evaluate: ({ counts }, params) => (counts === null ? OVER_LIMIT : mostFrequent(counts, numberParam(params, 'k'))),
  bytesMax: (input, params) => 3 + numberParam(params, 'keys_max') * (8 + (input === null ? 0 : valueBytesMax(input))),
};

function adviceFor(type: ValueType): string | null {
  return type.kind === 'double' ? 'round it to what you want counted and write CAST(… AS int)' : null;
}

function requireRoom(params: AggregationParams): TypeProblem | null {
  const k = numberParam(params, 'k');
  const keysMax = numberParam(params, 'keys_max');
  return k <= keysMax ? null : { problem: `top_k holds keys_max = ${keysMax} keys, fewer than k = ${k}` };
}

function topKAlgebra(input: ValueType | null, keysMax: number): Algebra<TopKState> {
  assert(input !== null, 'top_k has an input');
  const codec = compileValueCodec(input);
  function count(state: TopKState, key: Key, times: number): void {
    const { counts } = state;
    if (counts === null) return;
    const before = counts.get(key);
    if (before === undefined && counts.size === keysMax) state.counts = null;
    else counts.set(key, (before ?? 0) + times);
  }
  return {
    create: () => ({ counts: new Map() }),
    add: (state, value) => count(state, value as Key, 1),
    merge(into, from) {
      if (from.counts === null) into.counts = null;
      else for (const [key, times] of from.counts) count(into, key, times);
    },
    encode: ({ counts }, writer) => encodeCounts(counts, writer, codec),
    decode: (reader) => ({ counts: decodeCounts(reader, codec, keysMax) }),
  };
}

/** 0 for a state that gave up, else one more than the number of keys and the keys in their order. */
function encodeCounts(counts: Map<Key, number> | null, writer: ByteWriter, codec: ValueCodec): void {
  if (counts === null) {
    writer.varint(0);
    return;
  }
  writer.varint(counts.size + 1);
  for (const key of counts.size === 1 ? counts.keys() : [...counts.keys()].sort(compareScalars)) {
    codec.write(writer, key);
    writer.varint(counts.get(key) as number);
  }
}

function decodeCounts(reader: ByteReader, codec: ValueCodec, keysMax: number): Map<Key, number> | null {
  const head = reader.varint();
  if (head === 0) return null;
  const size = head - 1;
  if (size > keysMax) throw new CorruptBytesError('top_k: more keys than keys_max');
  const counts = new Map<Key, number>();
  let before: Key | null = null;
  for (let index = 0; index < size; index++) {
    const key = codec.read(reader) as Key;
    const times = reader.varint();
    if (times === 0 || (before !== null && compareScalars(before, key) >= 0)) {
      throw new CorruptBytesError('top_k: keys out of order or without a count');
    }
    counts.set(key, times);
    before = key;
  }
  return counts;
}

/** The `k` first by (count descending, key ascending), kept in order while looking at each key once. */
function mostFrequent(counts: ReadonlyMap<Key, number>, k: number): readonly Value[] {
  const keys: Key[] = [];
  const times: number[] = [];
  for (const [key, count] of counts) {
    let at = keys.length;
    while (at > 0 && comesBefore(key, count, keys[at - 1] as Key, times[at - 1] as number)) at--;
    if (at === k) continue;
    keys.splice(at, 0, key);
    times.splice(at, 0, count);
    if (keys.length > k) {
      keys.pop();
      times.pop();
    }
  }
  return Object.freeze(keys);
}

function comesBefore(key: Key, count: number, otherKey: Key, otherCount: number): boolean {
  return count === otherCount ? compareScalars(key, otherKey) < 0 : count > otherCount;
}
