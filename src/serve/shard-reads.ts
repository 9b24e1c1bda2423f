/**
 * The reads behind one request: entities grouped by shard, one atomic store read each, so that all views of a shard
 * reflect one checkpoint. What cannot be read is an outcome of that shard, and of no other.
 */
import type { Checkpoint, ReadSection, ShardId, ShardRead, Store } from '../store/store.ts';
import type { StoredState } from '../state/state.ts';
import { TIMED_OUT, within } from './time-limit.ts';

/** Where one entity's state for one view is. */
export interface EntityRef {
  readonly id: ShardId;
  /** `shardText` of it. */
  readonly shard: string;
  readonly fingerprint: string;
  readonly entity: string;
}

export type ShardOutcome =
  | { readonly kind: 'read'; readonly id: ShardId; readonly sections: ReadonlyMap<string, SectionRead> }
  /** The store failed, or took longer than reads may. */
  | { readonly kind: 'unavailable'; readonly error: unknown }
  /** The request's budget was spent first. */
  | { readonly kind: 'timed_out' };

export interface SectionRead {
  readonly checkpoint: Checkpoint | null;
  /** By entity; absent and null: no state. */
  readonly states: ReadonlyMap<string, StoredState | null>;
}

export interface ReadRequest {
  readonly shards: ReadonlyMap<string, PlannedShard>;
  /** Asks for an entity; the same one is read once however often it is asked for. */
  entity(ref: EntityRef): void;
  /** Asks for a checkpoint alone. */
  checkpoint(shard: ShardId, fingerprint: string): void;
}

export interface PlannedShard {
  readonly id: ShardId;
  readonly entities: Map<string, Set<string>>;
}

export function createReadRequest(): ReadRequest {
  const shards = new Map<string, PlannedShard>();
  // Rows of one view and shard follow one another: the last one asked for is mostly the next.
  let last: { readonly shard: string; readonly fingerprint: string; readonly entities: Set<string> } | null = null;
  function entitiesOf(id: ShardId, shard: string, fingerprint: string): Set<string> {
    if (last?.shard === shard && last.fingerprint === fingerprint) return last.entities;
    const planned = shards.get(shard) ?? { id, entities: new Map<string, Set<string>>() };
    shards.set(shard, planned);
    const entities = planned.entities.get(fingerprint) ?? new Set<string>();
    planned.entities.set(fingerprint, entities);
    last = { shard, fingerprint, entities };
    return entities;
  }
  return {
    shards,
    entity({ id, shard, fingerprint, entity }) {
      entitiesOf(id, shard, fingerprint).add(entity);
    },
    checkpoint(id, fingerprint) {
      entitiesOf(id, shardText(id), fingerprint);
    },
  };
}

export function shardText({ source, entityKey, partition }: ShardId): string {
  return `${source}/${entityKey}/${partition}`;
}

export interface ReadLimits {
  /** Bound on any read. */
  readonly readLimitMs: number;
  /** What is left of the request's budget. */
  readonly budgetLeftMs: number;
}

/** By `shardText`. Never rejects. */
export async function readShards(
  store: Store,
  shards: ReadonlyMap<string, PlannedShard>,
  limits: ReadLimits,
): Promise<ReadonlyMap<string, ShardOutcome>> {
  const outcomes = await Promise.all(
    [...shards].map(async ([text, planned]) => [text, await readShard(store, planned, limits)] as const),
  );
  return new Map(outcomes);
}

/** The checkpoints alone, of the same shards. */
export function withoutEntities(shards: ReadonlyMap<string, PlannedShard>): ReadonlyMap<string, PlannedShard> {
  return new Map(
    [...shards].map(([text, { id, entities }]) => [
      text,
      { id, entities: new Map([...entities.keys()].map((fingerprint) => [fingerprint, new Set<string>()])) },
    ]),
  );
}

async function readShard(store: Store, planned: PlannedShard, limits: ReadLimits): Promise<ShardOutcome> {
  const sections: ReadSection[] = [...planned.entities].map(([fingerprint, entities]) => ({
    fingerprint,
    entities: [...entities],
  }));
  const { readLimitMs, budgetLeftMs } = limits;
  try {
    const reads = await within(store.read(planned.id, sections), Math.min(readLimitMs, budgetLeftMs));
    if (reads !== TIMED_OUT) return { kind: 'read', id: planned.id, sections: bySection(sections, reads) };
    if (budgetLeftMs <= readLimitMs) return { kind: 'timed_out' };
    return { kind: 'unavailable', error: new Error(`no answer within ${readLimitMs} ms`) };
  } catch (error) {
    return { kind: 'unavailable', error };
  }
}

function bySection(sections: readonly ReadSection[], reads: readonly ShardRead[]): ReadonlyMap<string, SectionRead> {
  const found = new Map<string, SectionRead>();
  for (const [index, { fingerprint, entities }] of sections.entries()) {
    const { checkpoint, states } = reads[index] ?? { checkpoint: null, states: [] };
    found.set(fingerprint, { checkpoint, states: new Map(entities.map((entity, at) => [entity, states[at] ?? null])) });
  }
  return found;
}
