/**
 * Who folds what: per source, the shards of a partition (views that share their key columns) and the lanes of a shard
 * (distinct state fingerprints: two views that differ only in reading share one state).
 */
import { createHash } from 'node:crypto';
import type { Aggregation } from '../aggregate/aggregation.ts';
import { SkewlessError } from '../core/errors.ts';
import type { Definitions, SourceDefinition, ViewDefinition } from '../definition/definition.ts';
import { stateTtlMs } from '../state/expiry.ts';
import { compilePlan, type ViewPlan } from '../state/plan.ts';

/** One state fingerprint within a shard. */
export interface LanePlan {
  readonly fingerprint: string;
  /** Decodes for all views that share the fingerprint. */
  readonly view: ViewDefinition;
  /** Ids of those views. */
  readonly viewIds: readonly string[];
  readonly plan: ViewPlan;
  /** Null: states are kept for ever. */
  readonly stateTtlMs: number | null;
}

export interface ShardPlan {
  /** Key columns joined with `,`: the `entityKey` of a `ShardId`. */
  readonly entityKey: string;
  readonly lanes: readonly LanePlan[];
}

export interface SourcePlan {
  readonly source: SourceDefinition;
  /** Consumer group: namespace, source and the set of state fingerprints, so that each deployment sees every partition. */
  readonly group: string;
  readonly shards: readonly ShardPlan[];
}

/** Sources without views are left out: there is nothing to fold. */
export function planSources(
  definitions: Definitions,
  aggregations: ReadonlyMap<string, Aggregation>,
  namespace: string,
): readonly SourcePlan[] {
  const plans: SourcePlan[] = [];
  for (const source of definitions.sources.values()) {
    const views = [...definitions.views.values()].filter((view) => view.source.name === source.name);
    if (views.length === 0) continue;
    const shards = planShards(views, aggregations);
    const fingerprints = shards.flatMap((shard) => shard.lanes.map((lane) => `${shard.entityKey}:${lane.fingerprint}`));
    plans.push({ source, group: groupOf(namespace, source.name, fingerprints), shards });
  }
  return plans;
}

function planShards(
  views: readonly ViewDefinition[],
  aggregations: ReadonlyMap<string, Aggregation>,
): readonly ShardPlan[] {
  const byKey = new Map<string, Map<string, ViewDefinition[]>>();
  for (const view of views) {
    const entityKey = view.keyColumns.join(',');
    const byFingerprint = byKey.get(entityKey) ?? new Map<string, ViewDefinition[]>();
    byKey.set(entityKey, byFingerprint);
    byFingerprint.set(view.stateFingerprint, [...(byFingerprint.get(view.stateFingerprint) ?? []), view]);
  }
  return [...byKey].map(([entityKey, byFingerprint]) => ({
    entityKey,
    lanes: [...byFingerprint].map(([fingerprint, [view, ...others]]) => {
      const first = view as ViewDefinition;
      const viewIds = [first, ...others].map(({ id }) => id);
      const plan = compilePlan(first, aggregations);
      return { fingerprint, view: first, viewIds, plan, stateTtlMs: stateTtlMs(plan) };
    }),
  }));
}

function groupOf(namespace: string, source: string, fingerprints: readonly string[]): string {
  const digest = createHash('sha256')
    .update([...fingerprints].sort().join('\n'))
    .digest('hex');
  return `${namespace}/${source}/${digest.slice(0, 16)}`;
}

/**
 * Throws `repartition_not_supported` for a view whose entities would be spread over several partitions: each shard
 * would then hold a part of an entity, and readers look into one.
 */
export function checkColocated({ source, shards }: SourcePlan, partitions: number): void {
  if (partitions <= 1) return;
  for (const { view } of shards.flatMap(({ lanes }) => lanes)) {
    if (isColocated(source, view)) continue;
    throw new SkewlessError(
      'repartition_not_supported',
      `view ${view.id}: topic ${source.topic} has ${partitions} partitions, and its record key (${source.key.fields.join(', ') || 'none'}) ` +
        `is not part of the entity key (${view.keyColumns.join(', ')}); use a topic with one partition, or key its records by the entity`,
    );
  }
}

/** Whether all records of an entity are in one partition: its key contains the record key's fields. */
function isColocated(source: SourceDefinition, view: ViewDefinition): boolean {
  const { fields } = source.key;
  if (source.partitioner === 'unknown' || fields.length === 0) return false;
  return fields.every((field) => view.keyColumns.includes(field));
}
