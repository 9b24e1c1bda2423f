/**
 * A dead letter's record that was appended again: a header names the state fingerprints that had rejected it. It counts for
 * these alone, for the others took the record where it first was.
 */
import type { LogRecord } from './event.ts';

export const REPLAY_HEADER = 'skewless-replay';

const TEXT_DECODER = new TextDecoder();

/** The coordinates are those at which it was rejected. */
export function formatReplayHeader(
  { partition, offset }: { readonly partition: number; readonly offset: number },
  fingerprints: readonly string[],
): string {
  return JSON.stringify({ partition, offset, fingerprints });
}

/** `<partition>/<offset>` at which a replayed record was rejected; null: it is none, or says it in no form of ours. */
export function replayedFrom({ headers }: LogRecord): string | null {
  const header = headers?.[REPLAY_HEADER];
  if (header === undefined) return null;
  try {
    const { partition, offset } = JSON.parse(TEXT_DECODER.decode(header)) as { partition?: unknown; offset?: unknown };
    return `${String(partition)}/${String(offset)}`;
  } catch {
    return null;
  }
}

/** The state fingerprints that alone take the record; null: it is no replayed one. A header that is none of ours names none. */
export function namedFingerprints({ headers }: LogRecord): ReadonlySet<string> | null {
  const bytes = headers?.[REPLAY_HEADER];
  if (bytes === undefined) return null;
  try {
    const header = JSON.parse(TEXT_DECODER.decode(bytes)) as { readonly fingerprints?: unknown } | null;
    return new Set(Array.isArray(header?.fingerprints) ? (header.fingerprints as string[]) : []);
  } catch {
    return new Set();
  }
}
