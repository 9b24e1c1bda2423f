/**
 * What repartitioning needs to be named by: an internal topic that holds a source's records by entity, and the group that
 * fills it. All deployments of a namespace that find a record's entity in the same way share both; one that finds it in
 * another way has others, beside these.
 */
import { createHash } from 'node:crypto';
import { formatType } from '../core/value.ts';
import { columnsBehind } from '../definition/columns-behind.ts';
import type { SourceDefinition } from '../definition/definition.ts';
import { changeIngredients } from '../definition/fingerprint.ts';

export interface Repartition {
  readonly source: SourceDefinition;
  readonly keyColumns: readonly string[];
  /** Holds as many partitions as the source's topic. */
  readonly topic: string;
  readonly group: string;
}

const HASH_LENGTH = 8;
/** Of the columns, which Kafka lets a topic's name hold; at most so many characters of them. */
const NOT_IN_NAMES = /[^a-zA-Z0-9_-]+/g;
const COLUMNS_LENGTH_MAX = 80;

export function repartitionOf(namespace: string, source: SourceDefinition, keyColumns: readonly string[]): Repartition {
  const columns = keyColumns.join('-').replace(NOT_IN_NAMES, '_').slice(0, COLUMNS_LENGTH_MAX);
  const name = `${namespace}.${source.name}.${columns}.${routeHash(source, keyColumns)}`;
  return { source, keyColumns, topic: `${name}.repartition`, group: `${name}.movers` };
}

/** Of all that decides which entity a record is about. */
function routeHash(source: SourceDefinition, keyColumns: readonly string[]): string {
  const needed = new Set(columnsBehind(source, keyColumns));
  const fields = source.fields.filter(({ name }) => needed.has(name));
  const derived = source.derived.filter(({ name }) => needed.has(name));
  const route = {
    topic: source.topic,
    format: source.format,
    ...changeIngredients(source),
    // A deletion is found by its key.
    ...(source.mode === 'upsert' ? { key: source.key } : {}),
    keyColumns,
    fields: fields.map(({ name, type, nullable, path }) => [name, formatType(type, nullable), path]),
    derived: derived.map(({ name, expression }) => [name, expression.canonical]),
  };
  return createHash('sha256').update(JSON.stringify(route)).digest('hex').slice(0, HASH_LENGTH);
}
