/** What a store holds, against what definitions want of it. */
import type { Definitions, SourceDefinition, ViewDefinition } from '../definition/definition.ts';
import type { Store, StoredFingerprint } from '../store/store.ts';

/** One state fingerprint of a source, over all its shards. */
export interface StoredView {
  readonly source: string;
  readonly entityKey: string;
  readonly fingerprint: string;
  readonly shards: readonly StoredFingerprint[];
  /** Of the shard that was last heard of, ms. */
  readonly heartbeatMs: number;
  /** Whether every shard has reached its build target. */
  readonly built: boolean;
}

export async function storedViews(store: Store): Promise<readonly StoredView[]> {
  const listed = await store.list();
  const groups = Map.groupBy(listed, ({ shard, fingerprint }) => `${shard.source}/${shard.entityKey}/${fingerprint}`);
  return [...groups.values()].map((shards) => {
    const [{ shard, fingerprint }] = shards as [StoredFingerprint, ...StoredFingerprint[]];
    return {
      source: shard.source,
      entityKey: shard.entityKey,
      fingerprint,
      shards,
      heartbeatMs: Math.max(...shards.map(({ checkpoint }) => checkpoint.heartbeatMs)),
      built: shards.every(({ checkpoint: { position, buildTarget } }) =>
        Object.entries(buildTarget).every(([partition, target]) => (position[Number(partition)] ?? 0) >= target),
      ),
    };
  });
}

/** Ids of the views that keep their state under this fingerprint. */
export function viewsOf({ views }: Definitions, stored: StoredView): readonly string[] {
  return [...views.values()].filter((view) => isOf(view, stored)).map(({ id }) => id);
}

export function isOf(view: ViewDefinition, { source, entityKey, fingerprint }: StoredView): boolean {
  return (
    view.source.name === source && view.keyColumns.join(',') === entityKey && view.stateFingerprint === fingerprint
  );
}

export function usedSources({ sources, views }: Definitions): readonly SourceDefinition[] {
  return [...sources.values()].filter(({ name }) => [...views.values()].some((view) => view.source.name === name));
}
