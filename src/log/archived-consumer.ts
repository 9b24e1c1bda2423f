/**
 * A consumer of a topic whose head is in an archive. The log's own consumer keeps the group and delivers what the log
 * holds. For a partition whose position is below that it is paused, and a loop here delivers from the archive; where the
 * two join, it is sought and goes on. What holds for one holds for both:
 *
 * - A call about a partition waits for the one before it, from wherever that came, and is made only if the partition is
 *   still where the batch begins: a seek stands, and what was fetched before it is dropped.
 * - `assigned` and `revoked` wait for the deliveries that run, and hold up the next ones.
 *
 * The log's start moves while the archive is read, so it is asked for again. A consumer whose position the log has lost
 * fails, as ever; if the archive has it, that error is retryable: a new consumer begins in the archive.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { SkewlessError } from '../core/errors.ts';
import type { ArchiveCursor } from './archive.ts';
import { gap, isGap } from './gap.ts';
import { createGate } from './gate.ts';
import { createHeld, type Held } from './held.ts';
import type { History } from './history.ts';
import type { ConsumeOptions, Log, LogBatch, LogConsumer, LogHandler, PartitionRange } from './log.ts';

/** archive ↔ log: where the position is. */
interface Place {
  readonly held: Held;
  readonly cursor: ArchiveCursor;
  from: 'archive' | 'log';
  paused: boolean;
  /** The loop that reads the archive runs. */
  feeding: boolean;
  /** Resolves when it does not. */
  fed: Promise<void>;
}

export async function openArchivedConsumer(
  log: Log,
  history: History,
  options: ConsumeOptions,
  handler: LogHandler,
): Promise<LogConsumer> {
  const { topic, batchRecordsMax: recordsMax, batchBytesMax: bytesMax } = options;
  const places = new Map<number, Place>();
  const gate = createGate();
  const opened = Promise.withResolvers<LogConsumer | null>();
  let closing: Promise<void> | null = null;

  function fail(error: unknown): void {
    if (closing !== null) return;
    handler.failed(error);
    void close();
  }

  function deliver({ held }: Place, batch: LogBatch): Promise<void> {
    return held.exclusively(() =>
      gate.share(async () => {
        if (held.lost || closing !== null || held.position !== batch.fetchPosition) return;
        held.position = batch.nextPosition;
        await handler.batch(batch);
      }),
    );
  }

  const isFed = ({ held, from, paused }: Place): boolean =>
    from === 'archive' && !paused && !held.lost && closing === null;

  async function feed(place: Place): Promise<void> {
    const { held } = place;
    const { partition } = held;
    // Not before the caller has the consumer.
    const consumer = await opened.promise;
    await nextTurn();
    if (consumer === null) return;
    while (isFed(place)) {
      const { position } = held;
      const lately = await history.held(partition, 'lately');
      if (position < lately.startOffset) await deliverArchived(place, position, lately);
      else {
        const now = await history.held(partition, 'now');
        if (position < now.startOffset || held.position !== position || !isFed(place)) continue;
        place.from = 'log';
        consumer.seek(partition, position);
        consumer.resume([partition]);
      }
      // The turn is for everybody else in the process.
      await nextTurn();
    }
  }

  async function deliverArchived(
    place: Place,
    fetchPosition: number,
    log: { readonly startOffset: number; readonly endOffset: number },
  ): Promise<void> {
    const { held, cursor } = place;
    const { partition } = held;
    const limits = { beforeOffset: log.startOffset, recordsMax, bytesMax };
    let piece = await cursor.fetch(fetchPosition, limits);
    if (piece === null) {
      // It may have been written since the folder was last looked at.
      history.archive.forget();
      piece = await cursor.fetch(fetchPosition, limits);
    }
    if (held.position !== fetchPosition || !isFed(place)) return;
    if (piece === null) throw gap(topic, partition, fetchPosition, log);
    const { endOffset } = log;
    await deliver(place, { partition, fetchPosition, ...piece, endOffset, reachedEnd: false });
  }

  function startFeeding(place: Place): void {
    if (place.feeding) return;
    place.feeding = true;
    place.fed = feed(place)
      .catch((error: unknown) => {
        if (!place.held.lost) fail(error);
      })
      .finally(() => {
        place.feeding = false;
        // It may have been asked for in between.
        if (isFed(place)) startFeeding(place);
      });
  }

  async function assign(partitions: readonly number[]): Promise<ReadonlyMap<number, number>> {
    const starts = new Map(await gate.alone(() => handler.assigned(partitions)));
    try {
      for (const [partition, position] of starts) {
        const { startOffset, endOffset } = await history.held(partition, 'lately');
        const from = position < startOffset ? 'archive' : 'log';
        const place = createPlace(createHeld(partition, position), history.archive.cursor(partition), from);
        places.set(partition, place);
        if (from === 'log') continue;
        // There the log's consumer waits; its end is what a log cannot lose.
        starts.set(partition, endOffset);
        startFeeding(place);
      }
    } catch (error) {
      await revoke(partitions);
      throw error;
    }
    return starts;
  }

  async function revoke(partitions: readonly number[]): Promise<void> {
    const lost = partitions.map((partition) => places.get(partition)).filter((place) => place !== undefined);
    for (const { held } of lost) held.lost = true;
    await Promise.all(lost.map(({ held }) => held.settled()));
    await gate.alone(() => handler.revoked(partitions));
    for (const partition of partitions) places.delete(partition);
  }

  async function batch(batch: LogBatch): Promise<void> {
    const place = places.get(batch.partition);
    if (place === undefined) return;
    if (place.from === 'log') return deliver(place, batch);
    const consumer = await opened.promise;
    if (isArchived(place)) consumer?.pause([batch.partition]);
  }

  /** Of a consumer that lost its position: the archive may have it. */
  async function explain(reason: unknown, positions: ReadonlyMap<number, number>): Promise<unknown> {
    if (!(reason instanceof SkewlessError) || reason.code !== 'log_gap') return reason;
    history.archive.forget();
    let ranges: readonly PartitionRange[] | null;
    try {
      ranges = await history.ranges();
    } catch (error) {
      return error;
    }
    const isLost = ([partition, position]: [number, number]): boolean => {
      const range = ranges?.find((each) => each.partition === partition);
      return range === undefined || isGap(position, range);
    };
    if (positions.size === 0 || [...positions].some(isLost)) return reason;
    const message = `${reason.message}; the archive in ${history.archive.folder} has them`;
    return new SkewlessError('log_moved', message, { retryable: true, cause: reason });
  }

  function close(): Promise<void> {
    closing ??= (async () => {
      const feeds = [...places.values()].map(({ fed }) => fed);
      await (await opened.promise)?.close();
      await Promise.all(feeds);
    })();
    return closing;
  }

  let consumer: LogConsumer;
  try {
    consumer = await log.consume(options, {
      assigned: assign,
      revoked: revoke,
      batch,
      failed(reason) {
        const positions = new Map([...places].map(([partition, { held }]) => [partition, held.position]));
        void explain(reason, positions).then(fail);
      },
    });
  } catch (error) {
    closing ??= Promise.resolve();
    opened.resolve(null);
    throw error;
  }
  opened.resolve(consumer);

  return {
    seek(partition, position) {
      const place = places.get(partition);
      if (place === undefined || place.held.lost || closing !== null) return;
      place.held.position = position;
      if (position < history.logStart(partition)) {
        place.from = 'archive';
        consumer.pause([partition]);
        if (!place.paused) startFeeding(place);
        return;
      }
      place.from = 'log';
      consumer.seek(partition, position);
      if (!place.paused) consumer.resume([partition]);
    },
    pause(partitions) {
      for (const place of among(places, partitions)) place.paused = true;
      consumer.pause(partitions);
    },
    resume(partitions) {
      for (const place of among(places, partitions)) {
        place.paused = false;
        if (isArchived(place)) startFeeding(place);
        else consumer.resume([place.held.partition]);
      }
    },
    close,
  };
}

function createPlace(held: Held, cursor: ArchiveCursor, from: Place['from']): Place {
  return { held, cursor, from, paused: false, feeding: false, fed: Promise.resolve() };
}

/** As of now: what a place reads from may change during any call. */
function isArchived({ from }: Place): boolean {
  return from === 'archive';
}

function among(places: ReadonlyMap<number, Place>, partitions: readonly number[]): readonly Place[] {
  return partitions.map((partition) => places.get(partition)).filter((place) => place !== undefined);
}
