/** Which entities a request's rows need: key expressions evaluated, shards found, each entity asked for once. */
import { EvaluationError } from '../../../expression/evaluation-error.ts';
import type { Value } from '../../../core/value.ts';
import { encodeEntityKey } from '../../../event/entity-key.ts';
import { KEY_BYTES_MAX } from '../../../vector/request-row.ts';
import { expressionRow } from '../../../vector/assemble.ts';
import type { Selection, ServicePlan } from '../../../vector/service.ts';
import { type PartitionCounts, shardOf } from '../../partitions.ts';
import type { EntityRef, ReadRequest } from '../../shard-reads.ts';

/** What one appearance of a view reads for one row. */
export type AppearanceRead =
  | { readonly kind: 'entity'; readonly ref: EntityRef; readonly view: string }
  /** The key is null, or longer than any that is stored: no event can have it. */
  | { readonly kind: 'no_such_entity'; readonly view: string }
  /** The key's expression failed. */
  | { readonly kind: 'error' };

const TEXT_ENCODER = new TextEncoder();

/** By index of appearance; only those the selection needs. Adds to `reads`. */
export function planRowReads(
  plan: ServicePlan,
  selection: Selection,
  reads: ReadRequest,
  request: readonly Value[],
  asOfMs: number,
  counts: PartitionCounts,
): readonly (AppearanceRead | undefined)[] {
  const row = expressionRow(plan, request, asOfMs);
  const found: AppearanceRead[] = [];
  for (const index of selection.appearances) {
    const appearance = plan.definition.appearances[index];
    if (appearance === undefined) continue;
    const { view, keys: expressions } = appearance;
    const keys = evaluateKeys(expressions, row);
    if (keys === null) {
      found[index] = { kind: 'error' };
      continue;
    }
    const entity = keys.includes(null) ? null : encodeEntityKey(keys);
    if (entity === null || isTooLong(entity)) {
      found[index] = { kind: 'no_such_entity', view: view.id };
      continue;
    }
    const shard = shardOf(view, keys, counts.get(view.source.name) ?? 1);
    found[index] = { kind: 'entity', ref: reads.entity(shard, view.stateFingerprint, entity), view: view.id };
  }
  return found;
}

function evaluateKeys(
  expressions: readonly { evaluate(row: readonly Value[]): Value }[],
  row: readonly Value[],
): readonly Value[] | null {
  try {
    return expressions.map((expression) => expression.evaluate(row));
  } catch (error) {
    if (error instanceof EvaluationError) return null;
    throw error;
  }
}

function isTooLong(entity: string): boolean {
  return entity.length * 3 > KEY_BYTES_MAX && TEXT_ENCODER.encode(entity).length > KEY_BYTES_MAX;
}
