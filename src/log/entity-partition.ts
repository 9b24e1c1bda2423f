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

/** Whether all records of an entity are in one partition of the source, and which is known. */
export function isColocated({ key, partitioner }: SourceDefinition, keyColumns: readonly string[]): boolean {
  if (partitioner === 'unknown' || key.fields.length === 0) return false;
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

/** In the internal topic. */
export function partitionOfEntityKey(entityKey: string, partitions: number): number {
  return partitionOf(TEXT_ENCODER.encode(entityKey), partitions, 'murmur2') ?? 0;
}
