/** Writes the control records that void an entity (event/erasure.ts), into one source at a time. */
import { SkewlessError } from '../core/errors.ts';
import type { Definitions, EntityDefinition, SourceDefinition } from '../definition/definition.ts';
import { type Erasure, erasureRecord } from '../event/erasure.ts';
import type { Log } from '../log/log.ts';
import { deadLetterTopic } from '../materialize/dead-letters.ts';
import type { Position } from '../store/store.ts';

/** A source with views of the entity. */
export interface Concerned {
  readonly source: SourceDefinition;
  readonly views: readonly string[];
  /** As a control record has them: key columns → the entity's key. */
  readonly entities: Readonly<Record<string, string>>;
}

export interface Erased {
  readonly source: string;
  readonly topic: string;
  readonly views: readonly string[];
  /** Where the control records end: what is applied up to here has applied them. */
  readonly position: Position;
}

/** Names the work among those that a topic keeps the progress of: it makes the records one transaction. */
const PROGRESS_ID = 'erase';
/** Another erasure at the same moment moves the progress; after so many it is given up. */
const ATTEMPTS_MAX = 5;

export function concernedBy(
  { sources, views }: Definitions,
  entity: EntityDefinition,
  entityKey: string,
): readonly Concerned[] {
  return [...sources.values()].flatMap((source) => {
    const own = [...views.values()].filter((view) => view.source === source && view.entity === entity);
    const entities = Object.fromEntries(own.map(({ keyColumns }) => [keyColumns.join(','), entityKey]));
    return own.length === 0 ? [] : [{ source, views: own.map(({ id }) => id), entities }];
  });
}

/** Its dead letters first: a replay of them must not bring back what the source voids. */
export async function eraseFrom(log: Log, { source, views, entities }: Concerned, id: string): Promise<Erased> {
  const { topic } = source;
  for (let attempt = 1; ; attempt++) {
    const from = await log.progressOf(topic, PROGRESS_ID);
    const ranges = await log.ranges(topic);
    if (ranges === null) throw new SkewlessError('unknown_topic', `there is no topic ${topic} to erase from`);
    const ends = Object.fromEntries(ranges.map(({ partition, endOffset }) => [partition, endOffset]));
    const record = { ...erasureRecord({ id, entities, ends }), timestampMs: null };
    if ((await log.ranges(deadLetterTopic(topic))) !== null) await log.append(deadLetterTopic(topic), [record]);
    try {
      const places = await log.append(
        topic,
        ranges.map(({ partition }) => ({ ...record, partition })),
        { progress: { id: PROGRESS_ID, from, done: from + 1 } },
      );
      const position = Object.fromEntries(places.map(({ partition, offset }) => [partition, offset + 1]));
      return { source: source.name, topic, views, position };
    } catch (error) {
      const isContended = error instanceof SkewlessError && error.code === 'progress_moved';
      if (!isContended || attempt === ATTEMPTS_MAX) throw error;
    }
  }
}

/** Whether a record at these coordinates lies below the erasure, and is about its entity. */
export function voids(
  { entities, ends }: Erasure,
  at: { readonly partition: number; readonly offset: number },
  keyColumns: readonly string[],
  entityKey: string,
): boolean {
  return entities[keyColumns.join(',')] === entityKey && at.offset < (ends[at.partition] ?? 0);
}
