/** `last_n`: the values of the `n` newest events by (ts, partition, offset) that have one, newest first; [] if none has. */
import { assert } from '../core/assert.ts';
import { CorruptBytesError } from '../core/bytes.ts';
import type { Value, ValueType } from '../core/value.ts';
import type { Aggregation, Algebra } from './aggregation.ts';
import { numberParam } from './params.ts';
import {
  isAfter,
  type Place,
  PLACE_BYTES_MAX,
  readNextPlace,
  readPlace,
  writeNextPlace,
  writePlace,
} from './total-order.ts';
import { arrayOf, requireInput } from './type-rules.ts';
import { compileValueCodec, valueBytesMax } from './value-codec.ts';

/** Immutable, so states may hold the same ones. */
interface Entry extends Place {
  readonly value: Value;
}

interface LastNState {
  /** Oldest first, at most `n`. */
  entries: Entry[];
}

export const lastN: Aggregation<LastNState> = {
  name: 'last_n',
  of: 'required',
  params: [{ name: 'n', kind: 'integer', min: 1, max: 1_000, defaultValue: null }],
  magnitude: 'any',
  relativeToAsOf: false,
  resultType: (input) => requireInput('last_n', input) ?? arrayOf((input as { type: ValueType }).type),
  stateKey: (params) => `last_n:${numberParam(params, 'n')}`,
  algebra: (input, params) => lastNAlgebra(input, numberParam(params, 'n')),
  evaluate({ entries }) {
    const values: Value[] = [];
    for (let index = entries.length - 1; index >= 0; index--) values.push((entries[index] as Entry).value);
    return Object.freeze(values);
  },
  bytesMax: (input, params) =>
    2 + numberParam(params, 'n') * (PLACE_BYTES_MAX + (input === null ? 0 : valueBytesMax(input))),
};

function lastNAlgebra(input: ValueType | null, n: number): Algebra<LastNState> {
  assert(input !== null, 'last_n has an input');
  const codec = compileValueCodec(input);
  return {
    create: () => ({ entries: [] }),
    add({ entries }, value, tsMs, partition, offset) {
      let at = entries.length;
      while (at > 0 && isAfter(entries[at - 1] as Entry, tsMs, partition, offset)) at--;
      if (at === 0 && entries.length === n) return;
      const entry = { value, tsMs, partition, offset };
      if (at === entries.length) entries.push(entry);
      else entries.splice(at, 0, entry);
      if (entries.length > n) entries.shift();
    },
    merge(into, from) {
      into.entries = mergeNewest(into.entries, from.entries, n);
    },
    encode({ entries }, writer) {
      writer.varint(entries.length);
      for (const [index, entry] of entries.entries()) {
        if (index === 0) writePlace(writer, entry);
        else writeNextPlace(writer, entry, entries[index - 1] as Entry);
        codec.write(writer, entry.value);
      }
    },
    decode(reader) {
      const length = reader.varint();
      if (length > n) throw new CorruptBytesError('last_n: more entries than n');
      const entries: Entry[] = [];
      let before: Place | null = null;
      for (let index = 0; index < length; index++) {
        const place: Place = before === null ? readPlace(reader) : readNextPlace(reader, before);
        before = place;
        const { tsMs, partition, offset } = place;
        entries.push({ value: codec.read(reader), tsMs, partition, offset });
      }
      return { entries };
    },
  };
}

/** The `n` newest of two lists, oldest first. */
function mergeNewest(left: Entry[], right: readonly Entry[], n: number): Entry[] {
  if (right.length === 0) return left;
  const merged: Entry[] = [];
  let leftAt = left.length - 1;
  let rightAt = right.length - 1;
  while (merged.length < n && (leftAt >= 0 || rightAt >= 0)) {
    const one = left[leftAt];
    const other = right[rightAt];
    if (other === undefined || (one !== undefined && isAfter(one, other.tsMs, other.partition, other.offset))) {
      merged.push(one as Entry);
      leftAt--;
    } else {
      merged.push(other);
      rightAt--;
    }
  }
  return merged.reverse();
}
