/**
 * In which partition the events of an entity are, for whoever writes and whoever reads: that of the record key, where the
 * entity's keys hold the key's fields; else that of the entity key itself, to which the source is repartitioned.
 */
import type { SourceDefinition } from '../definition/definition.ts';
import { encodeEntityKey } from '../event/entity-key.ts';
import { encodeRecordKey } from '../event/record-key.ts';
import type { Value } from '../core/value.ts';
import { partitionOf } from './partitioner.ts';

const TEXT_ENCODER = new TextEncoder();

/**
 * Whether all records of an entity are in one partition of the source, and which is known. A key in Avro begins with the id
 * of its schema: under the next schema, the same key is in another partition.
 */
export function isColocated({ key, partitioner }: SourceDefinition, keyColumns: readonly string[]): boolean {
  if (partitioner === 'unknown' || key.fields.length === 0 || key.encoding === 'avro') return false;
  return key.fields.every((field) => keyColumns.includes(field));
}

/** Whether entities of these columns are read from an internal topic. With one partition nothing is ever apart. */
export function isRepartitioned(source: SourceDefinition, keyColumns: readonly string[], partitions: number): boolean {
  return partitions > 1 && !isColocated(source, keyColumns);
}

/** `keys` are the entity's, aligned with `keyColumns`, none of them null. */
export function partitionOfEntity(
  source: SourceDefinition,
  keyColumns: readonly string[],
  keys: readonly Value[],
  partitions: number,
): number {
  if (partitions === 1) return 0;
  if (!isColocated(source, keyColumns)) return partitionOfEntityKey(encodeEntityKey(keys), partitions);
  const values = source.key.fields.map((field) => keys[keyColumns.indexOf(field)] ?? null);
  return partitionOf(encodeRecordKey(source.key, values), partitions, source.partitioner) ?? 0;
}

/** Entities whose partition is remembered, by each function that finds them. */
const ENTITIES_REMEMBERED = 100_000;

export interface EntityPlacement {
  /** The record key that the entity's records have. */
  keyOf(entityKey: string): Uint8Array | null;
  /** Where readers look for the entity, of so many partitions. */
  partitionOf(entityKey: string, partitions: number): number;
}

/** By the encoded entity key (entity-key.ts), of a source whose records lie together with their entities; null: they do not. */
export function compilePlacement(source: SourceDefinition, keyColumns: readonly string[]): EntityPlacement | null {
  if (!isColocated(source, keyColumns)) return null;
  const { key, partitioner } = source;
  const places = key.fields.map((field) => keyColumns.indexOf(field));
  const isInt64 = key.fields.map((name) =>
    source.fields.some((each) => each.name === name && each.type.kind === 'int64'),
  );
  const known = new Map<string, number>();

  function keyOf(entityKey: string): Uint8Array | null {
    const keys = JSON.parse(entityKey) as readonly (string | number | boolean)[];
    const values = places.map((place, index) => {
      const value = keys[place] ?? null;
      return isInt64[index] === true && value !== null ? BigInt(value) : value;
    });
    return encodeRecordKey(key, values);
  }

  return {
    keyOf,
    partitionOf(entityKey, partitions) {
      let partition = known.get(entityKey);
      if (partition === undefined) {
        if (known.size >= ENTITIES_REMEMBERED) known.clear();
        partition = partitionOf(keyOf(entityKey), partitions, partitioner) ?? 0;
        known.set(entityKey, partition);
      }
      return partition;
    },
  };
}

/** In the internal topic. */
export function partitionOfEntityKey(entityKey: string, partitions: number): number {
  return partitionOf(TEXT_ENCODER.encode(entityKey), partitions, 'murmur2') ?? 0;
}
