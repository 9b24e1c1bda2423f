/**
 * Where the state of an entity is, remembered: the text of its key and the shard that the partitioner leads to are the same
 * for every request, and cost more than all else a hot row takes.
 */
import { RecentMap } from '../core/recent-map.ts';
import type { Value } from '../core/value.ts';
import type { ViewDefinition } from '../definition/definition.ts';
import { encodeEntityKey, isEntityKeyTooLong } from '../event/entity-key.ts';
import type { ShardId } from '../store/store.ts';
import { entityKeyOf, shardOf } from './partitions.ts';
import { type EntityRef, shardText } from './shard-reads.ts';

/** Places of a view, by key, in each of two generations. */
const PLACES_MAX = 25_000;
/** Longer texts are worked out each time. */
const KEY_LENGTH_MAX = 100;

export interface EntityPlaces {
  /** The places of a view while its source has so many partitions. */
  of(view: ViewDefinition, partitionCount: number): ViewPlaces;
  /** All that are remembered, of all views; some may come twice. */
  all(): Iterable<EntityRef>;
}

export interface ViewPlaces {
  /** `keys` are the entity's, in the view's order, none of them null; null: longer than any that is stored. */
  find(keys: readonly Value[]): EntityRef | null;
  /** The same for an entity of one key. */
  findOne(key: Value): EntityRef | null;
  all(): Iterable<EntityRef>;
}

/** Whether rows about an entity are logged as they were served: by its name in the definitions, and its encoded key. */
export type EntitySampler = (entity: string, key: string) => boolean;

const NOBODY: EntitySampler = () => false;

export function createEntityPlaces(isSampled: EntitySampler = NOBODY): EntityPlaces {
  const known = new Map<string, { readonly partitionCount: number; readonly places: ViewPlaces }>();
  return {
    of(view, partitionCount) {
      const found = known.get(view.id);
      if (found?.partitionCount === partitionCount) return found.places;
      const places = createViewPlaces(view, partitionCount, isSampled);
      known.set(view.id, { partitionCount, places });
      return places;
    },
    *all() {
      for (const { places } of known.values()) yield* places.all();
    },
  };
}

function createViewPlaces(view: ViewDefinition, partitionCount: number, isSampled: EntitySampler): ViewPlaces {
  const known = new RecentMap<Value, EntityRef>(PLACES_MAX);
  const shards = Array.from({ length: partitionCount }, (_, partition): ShardId => {
    return { source: view.source.name, entityKey: entityKeyOf(view), partition };
  });
  const texts = shards.map(shardText);

  function remembered(id: Value, keys: readonly Value[]): EntityRef | null {
    const ref = locate(keys);
    if (ref !== null && ref.entity.length <= KEY_LENGTH_MAX) known.set(id, ref);
    return ref;
  }

  function locate(keys: readonly Value[]): EntityRef | null {
    const entity = encodeEntityKey(keys);
    if (isEntityKeyTooLong(entity)) return null;
    const { partition } = shardOf(view, keys, partitionCount);
    const fingerprint = view.stateFingerprint;
    return {
      id: shards[partition] as ShardId,
      shard: texts[partition] as string,
      fingerprint,
      entity,
      isSampled: isSampled(view.entity.name, entity),
      entry: null,
    };
  }

  return {
    find(keys) {
      const id = encodeEntityKey(keys);
      return known.get(id) ?? remembered(id, keys);
    },
    findOne: (key) => known.get(key) ?? remembered(key, [key]),
    all: () => known.values(),
  };
}
