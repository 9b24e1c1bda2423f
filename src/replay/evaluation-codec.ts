/** An evaluation as bytes, between folding a part and putting rows together: a status for each feature, and its value. */
import { type ValueCodec, compileValueCodec } from '../aggregate/value-codec.ts';
import { ByteReader, ByteWriter } from '../core/bytes.ts';
import { STATUSES, type Status, statusRank } from '../core/status.ts';
import type { Value } from '../core/value.ts';
import type { ViewDefinition } from '../definition/definition.ts';
import type { Evaluation } from '../state/state.ts';

export interface EvaluationCodec {
  encode(evaluation: Pick<Evaluation, 'values' | 'statuses'>): Uint8Array;
  /** Without times: a training set has none. */
  decode(bytes: Uint8Array): Evaluation;
}

const HAS_VALUE = 0x80;
const writer = new ByteWriter(1_024);

export function compileEvaluationCodec({ features }: ViewDefinition): EvaluationCodec {
  const codecs: readonly ValueCodec[] = features.map(({ type }) => compileValueCodec(type));
  const eventTimesMs = features.map(() => null);
  return {
    encode({ values, statuses }) {
      writer.reset();
      for (const [index, codec] of codecs.entries()) {
        const value = values[index] ?? null;
        writer.u8(statusRank(statuses[index] as Status) | (value === null ? 0 : HAS_VALUE));
        if (value !== null) codec.write(writer, value);
      }
      return writer.copy();
    },
    decode(bytes) {
      const reader = new ByteReader(bytes);
      const values: Value[] = [];
      const statuses: Status[] = [];
      for (const codec of codecs) {
        const head = reader.u8();
        statuses.push(STATUSES[head & ~HAS_VALUE] as Status);
        values.push((head & HAS_VALUE) === 0 ? null : codec.read(reader));
      }
      return { values, statuses, eventTimesMs, fromMs: -Infinity, untilMs: Infinity };
    },
  };
}
