/**
 * When the server could know an event, for training sets of what was known: by the index that owners write, else by the
 * log's own clock, else by what files declare. A time that a producer gave says nothing of it, and is refused.
 */
import { SkewlessError } from '../core/errors.ts';
import type { SourceDefinition } from '../definition/definition.ts';
import type { ViewEvent } from '../event/event.ts';
import { isRepartitioned, partitionOfEntityKey } from '../log/entity-partition.ts';
import type { ShardId } from '../store/store.ts';
import type { EventReader, ReadRange } from './event-reader.ts';
import type { Lane } from './train-plan.ts';

export type Knowledge = 'event-time' | 'arrival';

/**
 * What owners note at least once a second: (wall time, position), that a shard had folded everything below the position. An
 * offset is known from the first time noted with a position beyond it.
 */
export interface PositionIndex {
  /** Of the topics that it was read from: by another deployment's notes other things were known. */
  readonly identity: unknown;
  /** Wall time of the first note of a shard about this source partition, ms. Null: there is none. */
  firstMs(shard: ShardId, partition: number): number | null;
  /** Records of this source partition below it were folded before the shard's notes began; null: they never did. */
  firstNext(shard: ShardId, partition: number): number | null;
  /** Wall time from which the shard's states held the record of this source partition, ms; null: they do not yet. */
  knownMs(shard: ShardId, partition: number, offset: number): number | null;
}

export type KnownBy = 'event_time' | 'position_index' | 'append_time' | 'arrival_column';

export interface KnownTimes {
  readonly by: KnownBy;
  /** Labels before it are refused, ms; null: none are. */
  readonly firstMs: number | null;
  /** Null: not known before the log's end. `newestAppendedMs`: of the event's partition up to the event. */
  knownMs(lane: Lane, event: ViewEvent, newestAppendedMs: number): number | null;
}

const BY_EVENT_TIME: KnownTimes = { by: 'event_time', firstMs: null, knownMs: () => null };

/** Rejects with `arrival_unknown`, and the mend. `ranges`: of the source, all of its partitions; `lanes`: those it is folded for. */
export async function decideKnownTimes(
  source: SourceDefinition,
  knowledge: Knowledge,
  reader: EventReader,
  ranges: readonly ReadRange[],
  lanes: readonly Lane[],
  index: PositionIndex | null,
): Promise<KnownTimes> {
  if (knowledge === 'event-time') return BY_EVENT_TIME;
  const timestamps = await reader.timestamps();
  const isAppendTime = timestamps === 'append_time';
  if (index !== null && reader.isPartitioned) {
    const notes = firstNotes(index, lanes, ranges);
    const isEmpty = notes.length === 0;
    if (isEmpty ? !isAppendTime : notes.some(({ firstMs }) => firstMs !== null)) {
      return {
        by: 'position_index',
        // Of what came before the notes, the log's clock says more than the first note.
        firstMs: isAppendTime || isEmpty ? null : latestOf(source, notes),
        knownMs: (lane, event, newestAppendedMs) =>
          byIndex(index, lane, event, ranges.length, isAppendTime ? newestAppendedMs : null),
      };
    }
  }
  switch (timestamps) {
    case 'append_time':
      // What lies behind a record in its partition is not known before it, whatever the brokers' clocks say.
      return { by: 'append_time', firstMs: null, knownMs: (_lane, _event, newestAppendedMs) => newestAppendedMs };
    case 'arrival_column':
      return { by: 'arrival_column', firstMs: null, knownMs: (_lane, { appendedMs }) => appendedMs };
    case 'producer_time':
    case 'nothing':
      throw unknown(source, timestamps);
  }
}

interface FirstNote {
  readonly shard: ShardId;
  /** Null: there is none. */
  readonly firstMs: number | null;
}

/** Of all shards that the lanes are read from, about each source partition that holds records; of others there is nothing to know. */
function firstNotes(index: PositionIndex, lanes: readonly Lane[], ranges: readonly ReadRange[]): readonly FirstNote[] {
  const partitions = ranges.map(({ partition }) => partition);
  const filled = ranges.filter(({ from, next }) => next === null || next > from);
  return lanes.flatMap(({ source, entityKey, view }) => {
    const isMoved = isRepartitioned(source, view.keyColumns, partitions.length);
    return filled.flatMap(({ partition: from }) =>
      (isMoved ? partitions : [from]).map((partition): FirstNote => {
        const shard = { source: source.name, entityKey, partition };
        return { shard, firstMs: index.firstMs(shard, from) };
      }),
    );
  });
}

/** Before it, of some shard nobody has noted anything. */
function latestOf({ name }: SourceDefinition, notes: readonly FirstNote[]): number {
  return notes.reduce((latestMs, { shard: { entityKey, partition }, firstMs }) => {
    if (firstMs !== null) return Math.max(latestMs, firstMs);
    const shard = `its states by ${entityKey}, partition ${partition}`;
    throw cannotBeTold(name, `nobody has noted when records were stored for ${shard}. ${notesMend(name)}`);
  }, -Infinity);
}

/** What notes are, and where they may be. */
function notesMend(name: string): string {
  return (
    `Such notes are written by whoever folds the source, to the topic <namespace>.${name}.positions: ` +
    '--namespace names the deployment whose notes are read'
  );
}

/** `beforeNotesMs`: of an event that was folded before the notes began; null: the first note is all there is. */
function byIndex(
  index: PositionIndex,
  lane: Lane,
  event: ViewEvent,
  partitions: number,
  beforeNotesMs: number | null,
): number | null {
  const { source, entityKey, view } = lane;
  const isMoved = isRepartitioned(source, view.keyColumns, partitions);
  const partition = isMoved ? partitionOfEntityKey(event.entityKey, partitions) : event.partition;
  const shard = { source: source.name, entityKey, partition };
  if (beforeNotesMs !== null && event.offset < (index.firstNext(shard, event.partition) ?? Infinity)) {
    return beforeNotesMs;
  }
  return index.knownMs(shard, event.partition, event.offset);
}

function unknown({ name, topic }: SourceDefinition, timestamps: 'producer_time' | 'nothing'): SkewlessError {
  const why =
    timestamps === 'producer_time'
      ? `the timestamps of topic ${topic} are its producers' (message.timestamp.type=CreateTime), which say nothing of when a record arrived. ` +
        `Set the topic to LogAppendTime, which counts for what is appended from then on; or give files with a column that says it (--events and --arrival); or go by notes. ${notesMend(name)}`
      : `its files do not say when. Name the column that does: --arrival ${name}=COLUMN`;
  return cannotBeTold(name, why);
}

function cannotBeTold(name: string, why: string): SkewlessError {
  return new SkewlessError(
    'arrival_unknown',
    `source ${name}: what was known at a label's time cannot be told, for ${why}; or build for --knowledge event-time`,
  );
}
