/** kafkajs's messages → records of the port. */
import type { IHeaders, KafkaMessage } from 'kafkajs';
import type { LogRecord, RecordHeaders } from '../event/event.ts';
import type { ConsumeOptions } from './log.ts';

export function recordOf(partition: number, message: KafkaMessage): LogRecord {
  const { key, value } = message;
  const record = { partition, offset: Number(message.offset), timestampMs: Number(message.timestamp), key, value };
  const headers = message.headers === undefined ? null : headersOf(message.headers);
  return headers === null ? record : { ...record, headers };
}

/** Where a piece of `messages` ends that begins at `from` and keeps to the bounds; it holds one message at least. */
export function endOfPiece(
  messages: readonly KafkaMessage[],
  from: number,
  { batchRecordsMax, batchBytesMax }: ConsumeOptions,
): number {
  let bytes = 0;
  let to = from;
  while (to < messages.length && to - from < batchRecordsMax) {
    const { key, value } = messages[to] as KafkaMessage;
    bytes += (key?.length ?? 0) + (value?.length ?? 0);
    if (to > from && bytes > batchBytesMax) break;
    to++;
  }
  return to;
}

function headersOf(headers: IHeaders): RecordHeaders | null {
  let found: Record<string, Uint8Array> | null = null;
  for (const name in headers) {
    const value = headers[name];
    const last = Array.isArray(value) ? value.at(-1) : value;
    if (last === undefined) continue;
    found ??= {};
    found[name] = typeof last === 'string' ? Buffer.from(last) : last;
  }
  return found;
}
