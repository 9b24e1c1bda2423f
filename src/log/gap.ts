/** A position that the log does not hold is an error that says why, never a skip. */
import { SkewlessError } from '../core/errors.ts';

export function isGap(
  position: number,
  { startOffset, endOffset }: { startOffset: number; endOffset: number },
): boolean {
  return position < startOffset || position > endOffset;
}

export function gap(
  topic: string,
  partition: number,
  position: number,
  { startOffset, endOffset }: { readonly startOffset: number; readonly endOffset: number },
): SkewlessError {
  const where = `partition ${partition} of topic ${topic}`;
  const message =
    position < startOffset
      ? `${where} begins at offset ${startOffset}, and offset ${position} is wanted: records in between are gone`
      : `${where} ends at offset ${endOffset}, and offset ${position} is wanted: the log is not the one that was read before`;
  return new SkewlessError('log_gap', message);
}
