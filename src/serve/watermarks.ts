/**
 * The watermark of each source (DESIGN section 3): that of the partition farthest behind, where idle ones hold nothing
 * back. As a process has seen it, it never falls, so neither does a default `as_of`.
 */
import type { Checkpoint } from '../store/store.ts';

export interface Watermarks {
  /** Takes what was just read (null: nothing, or not of all partitions), answers the greatest seen so far, or null. */
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

/** What a checkpoint says of its partition's progress. */
export type Progress = Pick<Checkpoint, 'watermarkMs' | 'receivedAtMs' | 'heartbeatMs'>;

/** Whether, when its owner committed last, nothing had been appended for `idleAfterMs`. */
export function isIdle({ receivedAtMs, heartbeatMs }: Progress, idleAfterMs: number): boolean {
  return receivedAtMs === null || heartbeatMs - receivedAtMs > idleAfterMs;
}

/** Over the partitions of a source; all idle: over those that have seen an event. Null when none has. */
export function sourceWatermark(partitions: readonly Progress[], idleAfterMs: number): number | null {
  const active = partitions.filter((partition) => !isIdle(partition, idleAfterMs));
  const watermarksOf = (some: readonly Progress[]): readonly (number | null)[] =>
    some.map(({ watermarkMs }) => watermarkMs);
  return earliest(watermarksOf(active)) ?? earliest(watermarksOf(partitions));
}

/** The least of those known; null when none is. A partition that has seen no event has none and holds nothing back. */
export function earliest(watermarksMs: Iterable<number | null>): number | null {
  let least: number | null = null;
  for (const ms of watermarksMs) if (ms !== null && (least === null || ms < least)) least = ms;
  return least;
}
