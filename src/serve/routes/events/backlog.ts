/**
 * What the log has been given and has not confirmed, by its bytes. Beyond the bound nothing more is given to it: a log that
 * hangs must not fill the memory. Events whose request was answered in the meantime count as long as the log may have them.
 */
import type { AppendRecord } from '../../../log/log.ts';

/** Of a record in memory, besides its key and value. */
const RECORD_BYTES = 256;

export interface Backlog {
  /** Runs `append` and counts its records until it settles; null where there is no room for them. */
  through<T>(records: readonly AppendRecord[], append: () => Promise<T>): Promise<T> | null;
}

export function createBacklog(bytesMax: number): Backlog {
  let waiting = 0;
  return {
    through(records, append) {
      const bytes = records.reduce((sum, record) => sum + bytesOf(record), 0);
      // One alone is always let in.
      if (waiting > 0 && waiting + bytes > bytesMax) return null;
      waiting += bytes;
      return append().finally(() => {
        waiting -= bytes;
      });
    },
  };
}

function bytesOf({ key, value }: AppendRecord): number {
  return (key?.length ?? 0) + (value?.length ?? 0) + RECORD_BYTES;
}
