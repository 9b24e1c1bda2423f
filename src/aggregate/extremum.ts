/**
 * What `min` and `max` have in common: the one value kept. Equal values are the same bits (−0 is +0 before it gets
 * here), so which of them came first makes no difference.
 */
import { assert } from '../core/assert.ts';
import type { ScalarKind, ValueType } from '../core/value.ts';
import type { Aggregation, Algebra } from './aggregation.ts';
import { compareScalars } from './total-order.ts';
import { nullable, requireKind } from './type-rules.ts';
import { compileValueCodec, readFlag, valueBytesMax } from './value-codec.ts';

type Comparable = string | number | bigint | boolean;

export interface ExtremumState {
  value: Comparable | null;
}

const KINDS: readonly ScalarKind[] = ['int', 'double', 'int64', 'timestamp', 'string', 'bool'];

/** `sign` is −1 where the lesser value is kept, 1 where the greater one is. */
export function extremum(name: 'min' | 'max', sign: -1 | 1): Aggregation<ExtremumState> {
  return {
    name,
    of: 'required',
    params: [],
    magnitude: 'any',
    relativeToAsOf: false,
    resultType: (input) => requireKind(name, input, KINDS) ?? nullable((input as { type: ValueType }).type),
    stateKey: () => name,
    algebra: (input) => extremumAlgebra(input, sign),
    evaluate: (state) => state.value,
    bytesMax: (input) => 1 + (input === null ? 0 : valueBytesMax(input)),
  };
}

function extremumAlgebra(input: ValueType | null, sign: -1 | 1): Algebra<ExtremumState> {
  assert(input !== null, 'min and max have an input');
  const codec = compileValueCodec(input);
  const isNumber = input.kind === 'int' || input.kind === 'double' || input.kind === 'timestamp';
  const keep = isNumber ? keepNumber : keepScalar;
  function keepNumber(state: ExtremumState, value: Comparable): void {
    const kept = state.value;
    if (kept === null || (sign > 0 ? value > kept : value < kept)) state.value = value;
  }
  function keepScalar(state: ExtremumState, value: Comparable): void {
    if (state.value === null || compareScalars(value, state.value) * sign > 0) state.value = value;
  }
  return {
    create: () => ({ value: null }),
    add: (state, value) => keep(state, value as Comparable),
    merge(into, from) {
      if (from.value !== null) keep(into, from.value);
    },
    encode(state, writer) {
      writer.u8(state.value === null ? 0 : 1);
      if (state.value !== null) codec.write(writer, state.value);
    },
    decode: (reader) => ({ value: readFlag(reader) ? (codec.read(reader) as Comparable) : null }),
    mergeEncoded(into, reader) {
      if (readFlag(reader)) keep(into, codec.read(reader) as Comparable);
    },
  };
}
