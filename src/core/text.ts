/** Strings: their order as every part of the system means it, and how they lie in memory. */

/** Negative, zero or positive: by UTF-8 bytes, which is by code points (UTF-16 puts U+E000 to U+FFFF after all beyond it). */
export function compareText(left: string, right: string): number {
  const shorter = Math.min(left.length, right.length);
  for (let at = 0; at < shorter; at++) {
    const one = left.charCodeAt(at);
    const other = right.charCodeAt(at);
    if (one !== other) return codePointRank(one) - codePointRank(other);
  }
  return left.length - right.length;
}

function codePointRank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

const scratch = Buffer.alloc(16_384);

/**
 * The same text in one piece of memory: one that was cut out of another, or joined of several, holds on to those, and is a look
 * farther each time it is read. `isAscii`: whether it is known to be.
 */
export function ownText(text: string, isAscii = false): string {
  if (!isAscii || text.length > scratch.length) return Buffer.from(text).toString();
  scratch.write(text, 'latin1');
  return scratch.toString('latin1', 0, text.length);
}
