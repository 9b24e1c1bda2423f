/**
 * Notes of when which position was stored: from them one can tell later what the server knew at a time (replay's position
 * index). At most one record a second for all shards of a source, and only of what has moved since the last. Beside the way of
 * commits: nothing waits for a note, and what the log does not take is counted, and told again by the next.
 */
import type { Clock } from '../core/clock.ts';
import { positionsTopic, writeNotes } from '../log/position-notes.ts';
import type { Log } from '../log/log.ts';
import { sumOf } from '../store/place.ts';
import type { Position, ShardId } from '../store/store.ts';

export interface PositionNotes {
  /** To be called when the store has answered that the shard is there. */
  note(shard: ShardId, position: Position): void;
  /** Writes what is left, as far as the log takes it now. */
  end(): Promise<void>;
  /** Records that the log did not take. */
  dropped(): number;
}

interface Noted {
  readonly shard: ShardId;
  readonly position: Position;
  readonly atMs: number;
}

export function createPositionNotes(
  log: Log,
  clock: Clock,
  namespace: string,
  source: string,
  everyMs: number,
): PositionNotes {
  const topic = positionsTopic(namespace, source);
  /** Records passed by what was written last, by shard. */
  const written = new Map<string, number>();
  let pending = new Map<string, Noted>();
  let writing: Promise<void> | null = null;
  let isTopicThere = false;
  let writtenAtMs = Number.NEGATIVE_INFINITY;
  let dropped = 0;

  async function write(notes: readonly Noted[]): Promise<void> {
    try {
      if (!isTopicThere) await log.ensureTopic(topic, 1);
      isTopicThere = true;
      const value = writeNotes(notes.map(({ shard, position, atMs }) => ({ ...shard, position, atMs })));
      await log.append(topic, [{ key: null, value, timestampMs: null }]);
    } catch {
      dropped += 1;
      for (const { shard } of notes) written.delete(nameOf(shard));
    }
  }

  function flush(): void {
    if (pending.size === 0 || writing !== null) return;
    const notes = [...pending.values()];
    pending = new Map();
    writing = write(notes).finally(() => {
      writing = null;
    });
  }

  return {
    note(shard, position) {
      const name = nameOf(shard);
      const passed = sumOf(position);
      const nowMs = clock.nowMs();
      if (passed > (written.get(name) ?? -1)) {
        written.set(name, passed);
        pending.set(name, { shard, position, atMs: nowMs });
      }
      if (nowMs - writtenAtMs < everyMs) return;
      writtenAtMs = nowMs;
      flush();
    },
    async end() {
      await writing;
      flush();
      await writing;
    },
    dropped: () => dropped,
  };
}

function nameOf({ entityKey, partition }: ShardId): string {
  return `${entityKey}/${partition}`;
}
