/** Strings by code points: what SQL's positions and lengths count, where JavaScript's count UTF-16 units. */

function hasSurrogates(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit >= 0xd800 && unit <= 0xdfff) return true;
  }
  return false;
}

export function pointCount(text: string): number {
  let count = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit >= 0xdc00 && unit <= 0xdfff) count -= 1;
  }
  return count;
}

/** From one position up to another, both clamped to the string; a negative one counts as 0. */
export function slicePoints(text: string, from: number, until: number): string {
  const [first, end] = [Math.max(0, from), Math.max(0, until)];
  return hasSurrogates(text) ? Array.from(text).slice(first, end).join('') : text.slice(first, end);
}

/** Each code point mapped by itself; a mapping to several code points changes nothing, so that lengths stay. */
export function mapPoints(text: string, map: (point: string) => string): string {
  const mapped = map(text);
  // Characters that map by context (a final sigma) or to several (ß) are all beyond ASCII.
  if (/^[\0-\x7f]*$/.test(text)) return mapped;
  let result = '';
  for (const point of text) {
    const other = map(point);
    result += pointCount(other) === 1 ? other : point;
  }
  return result;
}
