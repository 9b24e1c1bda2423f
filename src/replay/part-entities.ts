/** Entities of a part that something is asked of, by numbers that begin with 0, and what of each is void. */
import type { Voided } from './sort-records.ts';

export interface PartEntities {
  /** Answers its number; the same for the same. */
  add(lane: number, entity: string): number;
  /** Undefined: nothing is asked of it. */
  find(lane: number, entity: string): number | undefined;
  laneOf(id: number): number;
  /** As of `OrderedPart`. To be asked once all entities were added. */
  voidedBelow(id: number, partition: number): number;
}

const NONE = -1;

export function createPartEntities(voided: readonly Voided[]): PartEntities {
  /** By lane. */
  const ids: Map<string, number>[] = [];
  const lanes: number[] = [];
  const find = (lane: number, entity: string): number | undefined => ids[lane]?.get(entity);
  /** By id and partition. */
  let below: ReadonlyMap<number, ReadonlyMap<number, number>> | null = voided.length === 0 ? new Map() : null;

  function voidedOf(): ReadonlyMap<number, ReadonlyMap<number, number>> {
    const found = new Map<number, Map<number, number>>();
    for (const { lane, entity, partition, offset } of voided) {
      const id = find(lane, entity);
      if (id === undefined) continue;
      const ofEntity = found.get(id) ?? new Map<number, number>();
      found.set(id, ofEntity);
      ofEntity.set(partition, Math.max(offset, ofEntity.get(partition) ?? NONE));
    }
    return found;
  }

  return {
    add(lane, entity) {
      const known = find(lane, entity);
      if (known !== undefined) return known;
      const id = lanes.push(lane) - 1;
      (ids[lane] ??= new Map()).set(entity, id);
      return id;
    },
    find,
    laneOf: (id) => lanes[id] as number,
    voidedBelow(id, partition) {
      below ??= voidedOf();
      return below.get(id)?.get(partition) ?? NONE;
    },
  };
}
