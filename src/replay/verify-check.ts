/**
 * A served vector and all that its replay needs: its service's plan, the row that was asked for, and for each appearance of a
 * view the entity and the shard it was read from, or why nothing was.
 */
import type { Status } from '../core/status.ts';
import type { Value } from '../core/value.ts';
import type { Receipt, ReceiptShard } from '../vector/receipt.ts';
import { type Selection, select } from '../vector/service.ts';
import { wantedEntity } from './label-rows.ts';
import type { TrainAppearance, TrainPlan } from './train-plan.ts';

export interface Served {
  readonly receipt: Receipt;
  /** As they were served; null: only their digest is known, by the receipt. */
  readonly values: readonly unknown[] | null;
  /** Names that align with the values; null: those that the receipt names. */
  readonly features: readonly string[] | null;
  /** Aligned with the values; null: not known. */
  readonly statuses: readonly string[] | null;
  /** Statuses that are not ordinary, by feature; null: not known. */
  readonly issues: Readonly<Record<string, string>> | null;
}

export type PlannedRead =
  | { readonly kind: 'withheld'; readonly status: Status }
  /** No event can have the key. */
  | { readonly kind: 'nobody' }
  | { readonly kind: 'entity'; readonly entity: string; readonly shard: ReceiptShard };

export interface CheckedRead {
  readonly appearance: TrainAppearance;
  readonly read: PlannedRead;
}

export interface Check {
  readonly served: Served;
  readonly plan: TrainPlan;
  readonly selection: Selection;
  /** Typed values of the request columns. */
  readonly request: readonly Value[];
  readonly reads: readonly CheckedRead[];
}

/** Of definitions with the receipt's fingerprint; or what does not fit together, which no receipt of ours has. */
export function planCheck(plan: TrainPlan, served: Served): Check | string {
  const { receipt, values, features } = served;
  const { definition } = plan.service;
  if (receipt.features?.some((place) => place >= definition.features.length) === true) {
    return 'it names a feature that the service does not have';
  }
  const selection = receipt.features === null ? plan.service.everything : select(plan.service, receipt.features);
  const { names, appearances } = selection;
  if (features !== null && features.join() !== names.join()) {
    return `it is of the features ${names.join(', ')}, and the values given are of ${features.join(', ')}`;
  }
  if (values !== null && values.length !== names.length) {
    return `it is of ${names.length} features, and ${values.length} values are given`;
  }
  if (receipt.reads.length !== appearances.length) return 'it reads another number of views than the service';
  const row = plan.service.parseRow(receipt.entity);
  if (!row.ok) return `its entity is none of the service: ${row.problems.map(({ message }) => message).join('; ')}`;
  const reads: CheckedRead[] = [];
  for (const [part, index] of appearances.entries()) {
    const appearance = plan.appearances.get(index) as TrainAppearance;
    const read = planRead(plan, appearance, receipt, row.values, part);
    if (read === null) return `it was not read where view ${appearance.view.id} keeps the entity`;
    reads.push({ appearance, read });
  }
  return { served, plan, selection, request: row.values, reads };
}

/** Null: what the receipt says is not what the view would have read. */
function planRead(
  plan: TrainPlan,
  appearance: TrainAppearance,
  { reads, shards, asOfMs }: Receipt,
  request: readonly Value[],
  part: number,
): PlannedRead | null {
  const said = reads[part];
  if (typeof said === 'string' && said !== 'ERROR') return { kind: 'withheld', status: said };
  const wanted = wantedEntity(plan.service, appearance, { row: part, request, asOfMs });
  // A key that failed is told by the row, and nothing else is: a state that could not be read has a shard.
  if (said === 'ERROR') return wanted === 'error' ? { kind: 'withheld', status: said } : null;
  if (wanted === 'error') return null;
  const { entity } = wanted;
  if (said === null || said === undefined) return entity === null ? { kind: 'nobody' } : null;
  const shard = shards[said] as ReceiptShard;
  const { source, entityKey } = appearance.lane;
  if (entity === null || shard.source !== source.name || shard.entityKey !== entityKey) return null;
  return { kind: 'entity', entity, shard };
}
