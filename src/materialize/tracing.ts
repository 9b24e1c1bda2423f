/** Spans of what is folded, where somebody traces. */
import type { LogRecord } from '../event/event.ts';

export interface BatchTracing {
  /**
   * Runs `work` as a span that is linked to those of the requests that sent the records; where none of these was traced, without
   * one.
   */
  batch<T>(topic: string, partition: number, records: readonly BatchRecord[], work: () => Promise<T>): Promise<T>;
}

export interface BatchRecord {
  readonly record: Pick<LogRecord, 'headers'>;
}
