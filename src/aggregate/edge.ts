/** What `first` and `last` have in common: the one value kept, with its place in the total order of events. */
import { assert } from '../core/assert.ts';
import type { Value, ValueType } from '../core/value.ts';
import type { Aggregation, Algebra } from './aggregation.ts';
import { isAfter, PLACE_BYTES_MAX, readPlace, writePlace } from './total-order.ts';
import { nullable, requireInput } from './type-rules.ts';
import { compileValueCodec, readFlag, readInteger, valueBytesMax } from './value-codec.ts';

/** The place means nothing while `value` is null: nulls are skipped, so a value that was kept is not null. */
export interface EdgeState {
  value: Value;
  tsMs: number;
  partition: number;
  offset: number;
}

export function edge(name: 'first' | 'last'): Aggregation<EdgeState> {
  return {
    name,
    of: 'required',
    params: [],
    magnitude: 'any',
    relativeToAsOf: false,
    resultType: (input) => requireInput(name, input) ?? nullable((input as { type: ValueType }).type),
    stateKey: () => name,
    algebra: (input) => edgeAlgebra(input, name === 'last'),
    evaluate: (state) => state.value,
    bytesMax: (input) => 1 + PLACE_BYTES_MAX + (input === null ? 0 : valueBytesMax(input)),
  };
}

function edgeAlgebra(input: ValueType | null, newest: boolean): Algebra<EdgeState> {
  assert(input !== null, 'first and last have an input');
  const codec = compileValueCodec(input);
  function keep(state: EdgeState, value: Value, tsMs: number, partition: number, offset: number): void {
    if (state.value !== null && isAfter(state, tsMs, partition, offset) === newest) return;
    state.value = value;
    state.tsMs = tsMs;
    state.partition = partition;
    state.offset = offset;
  }
  return {
    create: () => ({ value: null, tsMs: 0, partition: 0, offset: 0 }),
    add: keep,
    merge(into, from) {
      if (from.value !== null) keep(into, from.value, from.tsMs, from.partition, from.offset);
    },
    encode(state, writer) {
      writer.u8(state.value === null ? 0 : 1);
      if (state.value === null) return;
      writePlace(writer, state);
      codec.write(writer, state.value);
    },
    decode(reader) {
      if (!readFlag(reader)) return { value: null, tsMs: 0, partition: 0, offset: 0 };
      const { tsMs, partition, offset } = readPlace(reader);
      return { value: codec.read(reader), tsMs, partition, offset };
    },
    mergeEncoded(into, reader) {
      if (!readFlag(reader)) return;
      const tsMs = readInteger(reader);
      const partition = reader.varint();
      const offset = reader.varint();
      keep(into, codec.read(reader), tsMs, partition, offset);
    },
  };
}
