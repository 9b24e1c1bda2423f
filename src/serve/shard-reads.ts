/**
 * The reads behind one request: entities grouped by shard, one atomic read each, so that all views of a shard reflect one
 * checkpoint. What cannot be read is an outcome of that shard, and of no other; what is kept of it is served all the same.
 */
import type { Home, LoadedEntry, Seat } from '../cache/loaded-entry.ts';
import type { KeptStates, SectionStates, ShardReader, ShardStates } from '../cache/shard-reader.ts';
import type { ShardId } from '../store/store.ts';
import { TIMED_OUT, within } from './time-limit.ts';

/** Where one entity's state for one view is. While it is kept it sits here. */
export interface EntityRef extends Seat {
  readonly id: ShardId;
  /** `shardText` of it. */
  readonly shard: string;
  readonly fingerprint: string;
  readonly entity: string;
  /** Whether rows about it are logged as they were served. */
  readonly isSampled: boolean;
}

export type ShardOutcome =
  | {
      readonly kind: 'read';
      readonly id: ShardId;
      readonly sections: ReadonlyMap<string, SectionStates>;
      /** Why entities are missing in `sections`: what was kept is there, and the rest could not be read. Null: all are. */
      readonly lacks: Unread | null;
      /** Whether it is from memory, for the store does not answer. */
      readonly isAway: boolean;
    }
  | Unread;

export type Unread =
  /** The store failed, or took longer than reads may. */
  | { readonly kind: 'unavailable'; readonly error: unknown }
  /** The request's budget was spent first. */
  | { readonly kind: 'timed_out' };

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

/**
 * By `shardText`. Never rejects. `shared`: what is kept will do, and what others are loading; `anew`: as the store has it.
 * What is kept costs no timer and no promise.
 */
export async function readShards(
  reader: ShardReader,
  shards: ReadonlyMap<string, PlannedShard>,
  limits: ReadLimits,
  how: 'shared' | 'anew' = 'shared',
): Promise<ReadonlyMap<string, ShardOutcome>> {
  const outcomes = new Map<string, ShardOutcome>();
  const loads: Promise<void>[] = [];
  for (const [text, planned] of shards) {
    const kept = how === 'shared' ? reader.kept(planned.id, planned.entities) : null;
    if (kept?.missing === 0) {
      const { sections, isAway } = kept;
      outcomes.set(text, { kind: 'read', id: planned.id, sections, lacks: null, isAway });
      continue;
    }
    const load = loadShard(reader.load(planned.id, planned.entities, how), planned.id, kept, limits);
    loads.push(load.then((outcome) => void outcomes.set(text, outcome)));
  }
  if (loads.length > 0) await Promise.all(loads);
  return outcomes;
}

export interface KeptReads {
  /** Aligned with what was asked for; null where that is no entity. */
  readonly entries: readonly (LoadedEntry | null)[];
  readonly outcomes: ReadonlyMap<string, ShardOutcome>;
}

/** The same for what was asked for before and is kept, in this turn: each entity sits at its place. Null: one does not. */
export function readSeated(reader: ShardReader, refs: readonly (EntityRef | string)[]): KeptReads | null {
  const entries: (LoadedEntry | null)[] = [];
  const homes = new Set<Home>();
  let last: Home | null = null;
  let found = 0;
  for (const ref of refs) {
    const entry = typeof ref === 'string' ? null : ref.entry;
    entries.push(entry);
    if (typeof ref === 'string') continue;
    if (entry === null || entry.home === null) return null;
    if (entry.home !== last) homes.add((last = entry.home));
    entry.keeper?.touch(entry);
    found++;
  }
  const states = reader.together(homes, found);
  if (states === null) return null;
  const outcomes = new Map<string, ShardOutcome>();
  for (const [id, { sections, isAway }] of states) {
    outcomes.set(shardText(id), { kind: 'read', id, sections, lacks: null, isAway });
  }
  return { entries, outcomes };
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

async function loadShard(
  load: Promise<ShardStates>,
  id: ShardId,
  kept: KeptStates | null,
  { readLimitMs, budgetLeftMs }: ReadLimits,
): Promise<ShardOutcome> {
  let unread: Unread;
  try {
    const sections = await within(load, Math.min(readLimitMs, budgetLeftMs));
    if (sections !== TIMED_OUT) return { kind: 'read', id, sections, lacks: null, isAway: false };
    unread =
      budgetLeftMs <= readLimitMs
        ? { kind: 'timed_out' }
        : { kind: 'unavailable', error: new Error(`no answer within ${readLimitMs} ms`) };
  } catch (error) {
    unread = { kind: 'unavailable', error };
  }
  if (kept === null || kept.found === 0) return unread;
  return { kind: 'read', id, sections: kept.sections, lacks: unread, isAway: unread.kind === 'unavailable' };
}
