/**
 * How far a lane of a repartitioned source is, in the source's coordinates: source partition → next offset. It reads an
 * internal topic, where records of all source partitions are mixed and may come twice; each counts once, by this.
 */
import type { LogRecord } from '../event/event.ts';
import type { Erasing, Position } from '../store/store.ts';
import { createErasures, type Erasures, noteBegin } from './erasing.ts';
import type { Progress } from './transit.ts';

export interface Vector {
  readonly next: Record<number, number>;
  /** What movers said last of their partitions' ends. */
  readonly ends: Map<number, { readonly nextOffset: number; readonly reachedAtMs: number | null }>;
  /** By source partition: newest event time, and when the last record came. */
  readonly newest: Map<number, { tsMs: number; receivedAtMs: number }>;
  readonly erasures: Erasures;
}

/** `at`: null for a build, which begins with nothing. */
export function createVector(partitions: number, at: Position | null, erasing: Erasing | null): Vector {
  const next = Object.fromEntries(Array.from({ length: partitions }, (_none, partition) => [partition, 0]));
  return { next: { ...next, ...at }, ends: new Map(), newest: new Map(), erasures: createErasures(erasing) };
}

export function isPast({ next }: Vector, { partition, offset }: LogRecord): boolean {
  return offset < (next[partition] ?? 0);
}

export function passRecord({ next }: Vector, { partition, offset }: LogRecord): void {
  next[partition] = offset + 1;
}

export function passProgress(vector: Vector, { partition, nextOffset, reachedEndAtMs, lostUntilMs }: Progress): void {
  const { next, ends, erasures } = vector;
  const known = next[partition] ?? 0;
  if (lostUntilMs !== null && nextOffset > known) noteBegin(erasures, partition, nextOffset);
  next[partition] = Math.max(known, nextOffset);
  ends.set(partition, { nextOffset, reachedAtMs: reachedEndAtMs });
}

/** When the end of every source partition was last reached; null: of some that is not known, or it was further on. */
export function reachedEndsAtMs({ next, ends }: Vector): number | null {
  const times = Object.keys(next).map((partition) => ends.get(Number(partition))?.reachedAtMs ?? null);
  return times.includes(null) ? null : Math.min(...(times as readonly number[]));
}

export function noteEventTime({ newest }: Vector, partition: number, tsMs: number, receivedAtMs: number): void {
  const known = newest.get(partition);
  if (known === undefined) newest.set(partition, { tsMs, receivedAtMs });
  else {
    known.tsMs = Math.max(known.tsMs, tsMs);
    known.receivedAtMs = receivedAtMs;
  }
}

/** Least of the newest event times of partitions that are not idle; null until all of them were heard of. */
export function newestOfAllMs({ next, ends, newest }: Vector, nowMs: number, idleAfterMs: number): number | null {
  if (ends.size < Object.keys(next).length) return null;
  const active = [...newest.values()].filter(({ receivedAtMs }) => nowMs - receivedAtMs <= idleAfterMs);
  return active.length === 0 ? null : Math.min(...active.map(({ tsMs }) => tsMs));
}
