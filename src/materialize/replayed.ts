/**
 * A dead letter's record that was appended again: a header names the state fingerprints that had rejected it. It counts for
 * these alone, for the others took the record where it first was.
 */
import type { LogRecord, ViewOutcome } from '../event/event.ts';
import type { Lane } from './lane.ts';

export const REPLAY_HEADER = 'skewless-replay';

const TEXT_DECODER = new TextDecoder();
const FILTERED: ViewOutcome = Object.freeze({ kind: 'filtered' });

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

/** `outcomes`, with those of lanes that the header does not name filtered. A header that is none of ours names none. */
export function onlyForNamed(
  record: LogRecord,
  outcomes: readonly ViewOutcome[],
  lanes: readonly Lane[],
): readonly ViewOutcome[] {
  const named = new Set(fingerprintsOf(record));
  const narrowed = [...outcomes];
  for (const { outcomeIndex, plan } of lanes) if (!named.has(plan.fingerprint)) narrowed[outcomeIndex] = FILTERED;
  return narrowed;
}

function fingerprintsOf({ headers }: LogRecord): readonly string[] {
  try {
    const header = JSON.parse(TEXT_DECODER.decode(headers?.[REPLAY_HEADER])) as {
      readonly fingerprints?: unknown;
    } | null;
    return Array.isArray(header?.fingerprints) ? (header.fingerprints as string[]) : [];
  } catch {
    return [];
  }
}
