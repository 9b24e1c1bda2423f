/**
 * Who folds what: per source, the shards of a partition (views that share their key columns) and the lanes of a shard
 * (distinct state fingerprints: two views that differ only in reading share one state).
 */
import { createHash } from 'node:crypto';
import type { Aggregation } from '../aggregate/aggregation.ts';
import type { Definitions, SourceDefinition, ViewDefinition } from '../definition/definition.ts';
import { stateTtlMs } from '../state/expiry.ts';
import { compilePlan, type ViewPlan } from '../state/plan.ts';
import { type Repartition, repartitionOf } from './repartition.ts';

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
  /** Where its records are if the source's partitions do not keep its entities together. */
  readonly repartition: Repartition;
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
    const shards = planShards(namespace, source, views, aggregations);
    const fingerprints = shards.flatMap((shard) => shard.lanes.map((lane) => `${shard.entityKey}:${lane.fingerprint}`));
    plans.push({ source, group: groupOf(namespace, source.name, fingerprints), shards });
  }
  return plans;
}

function planShards(
  namespace: string,
  source: SourceDefinition,
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
    repartition: repartitionOf(namespace, source, keyColumnsOf(byFingerprint)),
    lanes: [...byFingerprint].map(([fingerprint, [view, ...others]]) => {
      const first = view as ViewDefinition;
      const viewIds = [first, ...others].map(({ id }) => id);
      const plan = compilePlan(first, aggregations);
      return { fingerprint, view: first, viewIds, plan, stateTtlMs: stateTtlMs(plan) };
    }),
  }));
}

function keyColumnsOf(byFingerprint: ReadonlyMap<string, readonly ViewDefinition[]>): readonly string[] {
  return [...byFingerprint.values()][0]?.[0]?.keyColumns ?? [];
}

function groupOf(namespace: string, source: string, fingerprints: readonly string[]): string {
  const digest = createHash('sha256')
    .update([...fingerprints].sort().join('\n'))
    .digest('hex');
  return `${namespace}/${source}/${digest.slice(0, 16)}`;
}
