/**
 * When the server could know an event, for training sets of what was known: by the index that owners write, else by the
 * log's own clock, else by what files declare. A time that a producer gave says nothing of it, and is refused.
 */
import { SkewlessError } from '../core/errors.ts';
import type { SourceDefinition } from '../definition/definition.ts';
import type { ViewEvent } from '../event/event.ts';
import { isRepartitioned, partitionOfEntityKey } from '../log/entity-partition.ts';
import type { ShardId } from '../store/store.ts';
import type { EventReader } from './event-reader.ts';
import type { Lane } from './train-plan.ts';

export type Knowledge = 'event-time' | 'arrival';

/**
 * What owners note at least once a second: (wall time, position), that a shard had folded everything below the position. An
 * offset is known from the first time noted with a position beyond it.
 */
export interface PositionIndex {
  /** Wall time of the first note of a source, ms: of labels before it nothing can be said. Null: there is none. */
  firstMs(source: string): number | null;
  /** Records of this source partition below it were folded before the shard's notes began. */
  firstNext(shard: ShardId, partition: number): number;
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

/** Rejects with `arrival_unknown`, and the mend. `partitions`: of the source. */
export async function decideKnownTimes(
  source: SourceDefinition,
  knowledge: Knowledge,
  reader: EventReader,
  partitions: number,
  index: PositionIndex | null,
): Promise<KnownTimes> {
  if (knowledge === 'event-time') return BY_EVENT_TIME;
  const firstMs = index?.firstMs(source.name) ?? null;
  const timestamps = await reader.timestamps();
  if (index !== null && firstMs !== null && reader.isPartitioned) {
    // Of what came before the notes, the log's clock says more than the first note.
    const isAppendTime = timestamps === 'append_time';
    return {
      by: 'position_index',
      firstMs: isAppendTime ? null : firstMs,
      knownMs: (lane, event, newestAppendedMs) =>
        byIndex(index, lane, event, partitions, isAppendTime ? newestAppendedMs : null),
    };
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
  if (beforeNotesMs !== null && event.offset < index.firstNext(shard, event.partition)) return beforeNotesMs;
  return index.knownMs(shard, event.partition, event.offset);
}

function unknown({ name, topic }: SourceDefinition, timestamps: 'producer_time' | 'nothing'): SkewlessError {
  const why =
    timestamps === 'producer_time'
      ? `the timestamps of topic ${topic} are its producers' (message.timestamp.type=CreateTime), which say nothing of when a record arrived. ` +
        'Set the topic to LogAppendTime, which counts for what is appended from then on; or give files with a column that says it (--events and --arrival)'
      : `its files do not say when. Name the column that does: --arrival ${name}=COLUMN`;
  return new SkewlessError(
    'arrival_unknown',
    `source ${name}: what was known at a label's time cannot be told, for ${why}; or build for --knowledge event-time`,
  );
}
