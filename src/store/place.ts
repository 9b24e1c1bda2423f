/** Comparing what commits expect with what is stored. */
import type { Place, Position } from './store.ts';

export function placeOf({ position, buildStartedMs }: Place): Place {
  return { position, buildStartedMs };
}

/** Null: nothing stored. */
export function isSamePlace(one: Place | null, other: Place | null): boolean {
  if (one === null || other === null) return one === other;
  return one.buildStartedMs === other.buildStartedMs && isSamePosition(one.position, other.position);
}

/** Whether everything below `target` was read at `position`. */
export function reaches(position: Position, target: Position): boolean {
  return Object.entries(target).every(([partition, next]) => (position[Number(partition)] ?? 0) >= next);
}

/** Records passed, over all partitions. */
export function sumOf(position: Position): number {
  return Object.values(position).reduce((sum, next) => sum + next, 0);
}

export function isSamePosition(one: Position, other: Position): boolean {
  const partitions = Object.keys(one);
  return (
    partitions.length === Object.keys(other).length &&
    partitions.every((partition) => one[Number(partition)] === other[Number(partition)])
  );
}
