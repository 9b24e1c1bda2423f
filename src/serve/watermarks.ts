/** The watermark of each source as this process has seen it: it never falls, so neither does a default `as_of`. */

export interface Watermarks {
  /** Takes what was just read (null: nothing known), answers the greatest seen so far, or null. */
  readonly observe: (source: string, watermarkMs: number | null) => number | null;
}

export function createWatermarks(): Watermarks {
  const greatest = new Map<string, number>();
  return {
    observe(source, watermarkMs) {
      const before = greatest.get(source) ?? null;
      if (watermarkMs === null || (before !== null && before >= watermarkMs)) return before;
      greatest.set(source, watermarkMs);
      return watermarkMs;
    },
  };
}

/** The least of those known; null when none is. A partition that has seen no event has none and holds nothing back. */
export function earliest(watermarksMs: Iterable<number | null>): number | null {
  let least: number | null = null;
  for (const ms of watermarksMs) if (ms !== null && (least === null || ms < least)) least = ms;
  return least;
}
