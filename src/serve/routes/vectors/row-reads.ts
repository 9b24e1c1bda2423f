/** Which entities a request's rows need: key expressions evaluated, and shards found. */
import type { Value } from '../../../core/value.ts';
import type { ServiceDefinition, ViewAppearance } from '../../../definition/definition.ts';
import { EvaluationError } from '../../../expression/evaluation-error.ts';
import type { Workspace } from '../../../vector/derived.ts';
import { fillRequest } from '../../../vector/row-text.ts';
import type { Selection, ServicePlan } from '../../../vector/service.ts';
import type { EntityPlaces, ViewPlaces } from '../../entity-places.ts';
import type { PartitionCounts } from '../../partitions.ts';
import type { EntityRef } from '../../shard-reads.ts';
import type { RequestRow } from './request.ts';

/** What one appearance of a view reads for one row. */
export type AppearanceRead =
  | EntityRef
  /** The key is null, or longer than any that is stored: no event can have it. */
  | 'no_such_entity'
  /** The key's expression failed. */
  | 'error';

interface Appearance {
  readonly keys: readonly { evaluate(row: readonly Value[]): Value }[];
  readonly places: ViewPlaces;
}

/**
 * Row after row, aligned with the selection's appearances; rows that are not sound have none.
 */
export function planReads(
  plan: ServicePlan,
  selection: Selection,
  rows: readonly RequestRow[],
  asOfMs: number,
  entityPlaces: EntityPlaces,
  counts: PartitionCounts,
): readonly AppearanceRead[] {
  const places = placesOf(plan.definition, selection.appearances, entityPlaces, counts);
  const appearances = selection.appearances.map((index, at): Appearance => {
    return { keys: (plan.definition.appearances[index] as ViewAppearance).keys, places: places[at] as ViewPlaces };
  });
  const { work } = plan;
  const planned: AppearanceRead[] = [];
  for (const row of rows) {
    if (!row.ok) continue;
    fillRequest(work, row.values, plan.asOfSlot, asOfMs);
    for (const appearance of appearances) {
      planned.push(readOf(appearance, work));
    }
  }
  return planned;
}

/** Where the entities of these appearances are, aligned with them. */
export function placesOf(
  definition: ServiceDefinition,
  appearances: readonly number[],
  entityPlaces: EntityPlaces,
  counts: PartitionCounts,
): readonly ViewPlaces[] {
  return appearances.map((index) => {
    const { view } = definition.appearances[index] as ViewAppearance;
    return entityPlaces.of(view, counts.get(view.source.name) ?? 1);
  });
}

function readOf({ keys, places }: Appearance, { row }: Workspace): AppearanceRead {
  try {
    const [only] = keys;
    if (keys.length === 1 && only !== undefined) {
      const key = only.evaluate(row);
      return key === null ? 'no_such_entity' : (places.findOne(key) ?? 'no_such_entity');
    }
    const values = keys.map((key) => key.evaluate(row));
    return values.includes(null) ? 'no_such_entity' : (places.find(values) ?? 'no_such_entity');
  } catch (error) {
    if (error instanceof EvaluationError) return 'error';
    throw error;
  }
}
