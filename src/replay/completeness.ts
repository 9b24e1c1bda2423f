/** Since when an entity's history is known, as the live driver would have it of states that it builds from the same log. */
import type { SourceDefinition } from '../definition/definition.ts';
import { completeFrom } from '../event/event-time.ts';
import { type EntityPlacement, compilePlacement } from '../log/entity-partition.ts';
import type { EventReader, ReadRange } from './event-reader.ts';
import type { Lane, ReplayPlan } from './train-plan.ts';

export interface Completeness {
  /** Event time before which an entity's history may be missing, ms; null: it is complete. */
  (lane: Lane, entity: string): number | null;
  /** Of partitions whose first records are gone. */
  byPartition(source: SourceDefinition): ReadonlyMap<number, number>;
}

/** `ranges`: by source. Files are taken for all there is. */
export function createCompleteness(
  plan: ReplayPlan,
  readers: ReadonlyMap<string, EventReader>,
  ranges: Readonly<Record<string, readonly ReadRange[]>>,
  nowMs: number,
): Completeness {
  const bySource = new Map(
    plan.sources.map((source) => {
      const isPartitioned = readers.get(source.name)?.isPartitioned === true;
      return [source.name, lostOf(source, isPartitioned ? (ranges[source.name] ?? []) : [], nowMs)] as const;
    }),
  );
  const placements = plan.lanes.map(({ source, view }): EntityPlacement | null =>
    compilePlacement(source, view.keyColumns),
  );

  function completeFromMs(lane: Lane, entity: string): number | null {
    const lost = bySource.get(lane.source.name) ?? new Map<number, number>();
    if (lost.size === 0) return null;
    const partitions = (ranges[lane.source.name] ?? []).length;
    const placement = placements[lane.index] ?? null;
    // An entity whose events may be in any partition lacks what any of them lacks.
    if (partitions === 1 || placement === null) return Math.max(...lost.values());
    return lost.get(placement.partitionOf(entity, partitions)) ?? null;
  }

  return Object.assign(completeFromMs, {
    byPartition: (source: SourceDefinition) => bySource.get(source.name) ?? new Map<number, number>(),
  });
}

function lostOf(source: SourceDefinition, ranges: readonly ReadRange[], nowMs: number): ReadonlyMap<number, number> {
  const lost = new Map<number, number>();
  for (const { partition, from, startTimestampMs } of ranges) {
    const ms = from === 0 ? null : completeFrom(source, startTimestampMs ?? nowMs);
    if (ms !== null) lost.set(partition, ms);
  }
  return lost;
}
