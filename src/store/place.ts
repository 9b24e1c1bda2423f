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

function isSamePosition(one: Position, other: Position): boolean {
  const partitions = Object.keys(one);
  return (
    partitions.length === Object.keys(other).length &&
    partitions.every((partition) => one[Number(partition)] === other[Number(partition)])
  );
}
