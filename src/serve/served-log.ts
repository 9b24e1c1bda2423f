/**
 * Rows that were served, on their way into the served log: a bounded queue that requests put texts into, and one loop that
 * appends them in batches. A request never waits: where the queue is full a row is dropped, and counted. Which rows there are
 * is decided by a hash of their entities, so of an entity all rows are, or none.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { SkewlessError, messageOf } from '../core/errors.ts';
import type { Log } from '../log/log.ts';
import { murmur2 } from '../log/partitioner.ts';
import type { ServedLogReport } from './metrics-sink.ts';
import { TIMED_OUT, within } from './time-limit.ts';

export interface ServedLogBounds {
  /** Of the queue: rows, and characters of their texts. */
  readonly queueRowsMax: number;
  readonly queueCharactersMax: number;
  /** Of one row, in characters: brokers take no larger record. */
  readonly rowCharactersMax: number;
  /** Of one append. */
  readonly batchRowsMax: number;
  readonly batchCharactersMax: number;
  /** How long the first row of a batch waits for more. */
  readonly lingerMs: number;
  /** From a failed append to the next. */
  readonly retryMs: number;
  /** How long closing waits for what is queued. */
  readonly closeMs: number;
}

export const SERVED_LOG_BOUNDS: ServedLogBounds = {
  queueRowsMax: 10_000,
  queueCharactersMax: 16_777_216,
  rowCharactersMax: 262_144,
  batchRowsMax: 1_000,
  batchCharactersMax: 524_288,
  lingerMs: 100,
  retryMs: 1_000,
  closeMs: 3_000,
};

export interface ServedLog {
  /** By the entity's name in the definitions and its encoded key: the same whichever view reads it. */
  isSampled(entity: string, key: string): boolean;
  /** Whether a row that is made now is taken; if not, it is counted as dropped, and need not be made. */
  mayOffer(): boolean;
  /** `key`: of the record, so that rows of one entity stay in order. */
  offer(key: string, text: string): void;
  report(): ServedLogReport;
  /** Waits for what is queued, as long as the bound says; drops the rest. */
  close(): Promise<void>;
}

export interface ServedLogOptions {
  readonly log: Pick<Log, 'ensureTopic' | 'append'>;
  readonly topic: string;
  /** Share of the entities: above 0, at most 1. */
  readonly share: number;
  readonly onWarning: (message: string) => void;
  readonly bounds?: Partial<ServedLogBounds>;
}

interface Queued {
  readonly key: string;
  readonly text: string;
}

export function createServedLog(options: ServedLogOptions): ServedLog {
  const { log, topic, share, onWarning } = options;
  const bounds = { ...SERVED_LOG_BOUNDS, ...options.bounds };
  const dropped = { queue_full: 0, too_large: 0, refused: 0, closed: 0 };
  let queue: Queued[] = [];
  let characters = 0;
  let logged = 0;
  let isReady = false;
  let isClosed = false;
  let isFailing = false;
  let running: Promise<void> | null = null;

  /** One batch at a time, until the queue is empty. */
  async function run(): Promise<void> {
    await delay(bounds.lingerMs);
    while (queue.length > 0) {
      const batch = batchOf(queue, bounds);
      if (!(await append(batch))) {
        await delay(bounds.retryMs);
        continue;
      }
      queue = queue.slice(batch.length);
      characters = charactersOf(queue);
    }
    running = null;
  }

  /** False: it is to be tried again. */
  async function append(batch: readonly Queued[]): Promise<boolean> {
    try {
      if (!isReady) await log.ensureTopic(topic, 1);
      isReady = true;
      await log.append(
        topic,
        batch.map(({ key, text }) => ({ key: Buffer.from(key), value: Buffer.from(text), timestampMs: null })),
      );
      logged += batch.length;
      isFailing = false;
      return true;
    } catch (error) {
      if (!isFailing) onWarning(`served log: topic ${topic} does not take rows: ${messageOf(error)}`);
      isFailing = true;
      isReady = false;
      if (!(error instanceof SkewlessError) || error.retryable || error.code === 'unknown_topic') return false;
      dropped.refused += batch.length;
      return true;
    }
  }

  return {
    isSampled: (entity, key) => hashOf(entity, key) < share,
    mayOffer() {
      const hasRoom = !isClosed && queue.length < bounds.queueRowsMax && characters < bounds.queueCharactersMax;
      if (!hasRoom) dropped[isClosed ? 'closed' : 'queue_full']++;
      return hasRoom;
    },
    offer(key, text) {
      if (text.length > bounds.rowCharactersMax) {
        dropped.too_large++;
        return;
      }
      queue.push({ key, text });
      characters += text.length;
      running ??= run();
    },
    report: () => ({ logged, dropped: { ...dropped }, queuedRows: queue.length, queuedCharacters: characters }),
    async close() {
      isClosed = true;
      if (running !== null && (await within(running, bounds.closeMs)) === TIMED_OUT) {
        dropped.closed += queue.length;
        onWarning(`served log: ${queue.length} rows were not written within ${bounds.closeMs} ms, and are dropped`);
        queue = [];
        characters = 0;
      }
    },
  };
}

function batchOf(queue: readonly Queued[], { batchRowsMax, batchCharactersMax }: ServedLogBounds): readonly Queued[] {
  let characters = 0;
  let rows = 0;
  for (const { text } of queue) {
    if (rows === batchRowsMax || (rows > 0 && characters + text.length > batchCharactersMax)) break;
    characters += text.length;
    rows++;
  }
  return queue.slice(0, rows);
}

function charactersOf(rows: readonly Queued[]): number {
  return rows.reduce((sum, { text }) => sum + text.length, 0);
}

const TEXT_ENCODER = new TextEncoder();

/** 0 to 1, evenly. */
function hashOf(entity: string, key: string): number {
  return (murmur2(TEXT_ENCODER.encode(`${entity} ${key}`)) >>> 0) / 2 ** 32;
}
