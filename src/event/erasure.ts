/**
 * A control record: what the log holds of one entity below it counts no more, live and in replay (DESIGN section 6,
 * "Erase"). One goes to every partition of the source, all of them or none, and each voids the offsets below its own.
 */
import type { LogRecord, RecordHeaders } from './event.ts';

export interface Erasure {
  /** Shared by its records in all partitions. */
  readonly id: string;
  /** Key columns joined with `,` → the entity's key, as views of these key columns encode it (entity-key.ts). */
  readonly entities: Readonly<Record<string, string>>;
  /** Source partition → its end before this was appended: the record of each partition is there or beyond. */
  readonly ends: Readonly<Record<number, number>>;
}

const ERASE_HEADER = 'skewless-erase';
const FORMAT = '1';
const TEXT_ENCODER = new TextEncoder();
const TEXT_DECODER = new TextDecoder();

/** With a key and a value of its own, so that compacted topics take it, and keep it. */
export function erasureRecord(erasure: Erasure): {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly headers: RecordHeaders;
} {
  return {
    key: TEXT_ENCODER.encode(`${ERASE_HEADER}/${erasure.id}`),
    value: TEXT_ENCODER.encode(JSON.stringify(erasure)),
    headers: { [ERASE_HEADER]: TEXT_ENCODER.encode(FORMAT) },
  };
}

/** Null: an ordinary record, or a control record that is none of ours, which decoding rejects as any other. */
export function parseErasure({ headers, value }: LogRecord): Erasure | null {
  const format = headers?.[ERASE_HEADER];
  if (format === undefined || value === null || TEXT_DECODER.decode(format) !== FORMAT) return null;
  try {
    const json = JSON.parse(TEXT_DECODER.decode(value)) as Partial<Erasure> | null;
    const isWhole =
      typeof json?.id === 'string' && isRecordOf(json.entities, 'string') && isRecordOf(json.ends, 'number');
    return isWhole ? (json as Erasure) : null;
  } catch {
    return null;
  }
}

function isRecordOf(json: unknown, type: 'string' | 'number'): boolean {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return false;
  return Object.values(json).every((value) => typeof value === type);
}
