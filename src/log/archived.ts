/**
 * A log whose topics may begin in an archive: behind the port, so that whoever builds, moves, plans or looks knows only
 * of a topic that reaches further back. Nothing is read from an archive that the log still holds.
 */
import type { Clock } from '../core/clock.ts';
import { createArchive } from './archive.ts';
import { createArchiveParquet } from './archive-parquet.ts';
import { openArchivedConsumer } from './archived-consumer.ts';
import { type History, createHistory } from './history.ts';
import type { Log } from './log.ts';

export interface ArchivedLogOptions {
  /** Topic → folder. */
  readonly archives: ReadonlyMap<string, string>;
  readonly clock: Clock;
  /** What is lost between an archive and the log; once. */
  readonly onWarning: (message: string) => void;
}

/** Closes `log` when it is closed. */
export function withArchives(log: Log, { archives, clock, onWarning }: ArchivedLogOptions): Log {
  const parquet = createArchiveParquet();
  const histories = new Map<string, History>();
  for (const [topic, folder] of archives) {
    histories.set(topic, createHistory(log, topic, createArchive(topic, folder, parquet, clock), clock, onWarning));
  }
  return {
    ...log,
    ranges: (topic) => (histories.get(topic) ?? log).ranges(topic),
    read(topic, partition, fromOffset, recordsMax) {
      const history = histories.get(topic);
      if (history === undefined) return log.read(topic, partition, fromOffset, recordsMax);
      return history.read(partition, fromOffset, recordsMax);
    },
    consume(options, handler) {
      const history = histories.get(options.topic);
      return history === undefined
        ? log.consume(options, handler)
        : openArchivedConsumer(log, history, options, handler);
    },
    async close() {
      await log.close();
      await parquet.close();
    },
  };
}
