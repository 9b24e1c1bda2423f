/** What is kept of an evaluation between folding a part and putting rows together: a status for each feature, and its value. */
import { type ValueCodec, compileValueCodec } from '../aggregate/value-codec.ts';
import type { ByteReader, ByteWriter } from '../core/bytes.ts';
import { STATUSES, type Status, statusRank } from '../core/status.ts';
import type { Value, ValueType } from '../core/value.ts';
import type { Features } from '../state/evaluate.ts';
import type { Evaluation } from '../state/state.ts';

/** Of values and the ranks of their statuses (core/status.ts), aligned with the types. */
export interface CellsCodec {
  write(writer: ByteWriter, values: readonly Value[], ranks: readonly number[]): void;
  /** Fills both. */
  read(reader: ByteReader, values: Value[], ranks: number[]): void;
}

const HAS_VALUE = 0x80;

export function compileCellsCodec(types: readonly ValueType[]): CellsCodec {
  const codecs: readonly ValueCodec[] = types.map(compileValueCodec);
  return {
    write(writer, values, ranks) {
      for (let index = 0; index < codecs.length; index++) {
        const value = values[index] ?? null;
        const rank = ranks[index] as number;
        writer.u8(value === null ? rank : rank | HAS_VALUE);
        if (value !== null) (codecs[index] as ValueCodec).write(writer, value);
      }
    },
    read(reader, values, ranks) {
      for (let index = 0; index < codecs.length; index++) {
        const head = reader.u8();
        ranks[index] = head & ~HAS_VALUE;
        values[index] = (head & HAS_VALUE) === 0 ? null : (codecs[index] as ValueCodec).read(reader);
      }
    },
  };
}

export interface EvaluationCodec {
  write(writer: ByteWriter, evaluation: Features): void;
  /** Without times. */
  read(reader: ByteReader): Evaluation;
}

export function compileEvaluationCodec(types: readonly ValueType[]): EvaluationCodec {
  const codec = compileCellsCodec(types);
  const eventTimesMs = types.map(() => null);
  return {
    write: (writer, { values, statuses }) => codec.write(writer, values, statuses.map(statusRank)),
    read(reader) {
      const values: Value[] = [];
      const ranks: number[] = [];
      codec.read(reader, values, ranks);
      const statuses = ranks.map((rank) => STATUSES[rank] as Status);
      return { values, statuses, eventTimesMs, fromMs: -Infinity, untilMs: Infinity };
    },
  };
}
