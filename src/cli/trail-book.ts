/**
 * Where the audit trail is kept: a file of JSON lines, or a topic that keeps all. Entries are appended, never changed; what was
 * written in part, or is no entry, is passed over and counted.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { SkewlessError, messageOf } from '../core/errors.ts';
import type { Log } from '../log/log.ts';

/** What was done: names are stable. */
export const ACTS = [
  'definitions',
  'keys_create',
  'keys_revoke',
  'prune',
  'erase',
  'dlq_replay',
  'plan_accept',
] as const;
export type Act = (typeof ACTS)[number];

export interface TrailEntry {
  /** RFC 3339. */
  readonly at: string;
  /** Who did it: a user and a machine, or the process. */
  readonly actor: string;
  readonly act: Act;
  /** Of the deployment; null where the act concerns all on the log, or none. */
  readonly namespace: string | null;
  /** What it was done to. */
  readonly subject: string;
  /** Holds neither keys of callers nor keys of entities. */
  readonly details: Readonly<Record<string, unknown>>;
}

export interface TrailBook {
  append(entry: TrailEntry): Promise<void>;
  /** In the order written; null for what is no entry. */
  read(): AsyncIterable<TrailEntry | null>;
  close(): Promise<void>;
}

const READ_RECORDS = 1_000;
const RECORD_BYTES_MAX = 1_048_576;

/** Opened to be written before anything is done: what cannot be recorded is not begun. */
export async function openFileBook(path: string): Promise<TrailBook> {
  const handle = await open(path, 'a+').catch((error: unknown) => {
    throw new SkewlessError('trail_unwritable', `the trail ${path} cannot be written: ${messageOf(error)}`);
  });
  return {
    async append(entry) {
      await handle.appendFile(`${JSON.stringify(entry)}\n`);
      await handle.sync();
    },
    read: () => readLines(handle),
    close: () => handle.close(),
  };
}

async function* readLines(handle: FileHandle): AsyncIterable<TrailEntry | null> {
  for await (const line of handle.readLines({ start: 0, autoClose: false })) if (line !== '') yield parseEntry(line);
}

/** One partition, so that there is one order. The log is closed with the book. */
export async function openTopicBook(log: Log, topic: string): Promise<TrailBook> {
  await log.ensureTopic(topic, 1, { keepsAll: true, recordBytesMax: RECORD_BYTES_MAX });
  return {
    async append(entry) {
      const value = new TextEncoder().encode(JSON.stringify(entry));
      await log.append(topic, [{ key: null, value, timestampMs: null, partition: 0 }]);
    },
    read: () => readTopic(log, topic),
    close: () => log.close(),
  };
}

async function* readTopic(log: Log, topic: string): AsyncIterable<TrailEntry | null> {
  const [range] = (await log.ranges(topic)) ?? [];
  if (range === undefined) return;
  for (let offset = range.startOffset; offset < range.endOffset; ) {
    const records = await log.read(topic, range.partition, offset, READ_RECORDS);
    for (const { value } of records) yield parseEntry(new TextDecoder().decode(value ?? new Uint8Array()));
    const last = records.at(-1);
    if (last === undefined) return;
    offset = last.offset + 1;
  }
}

function parseEntry(text: string): TrailEntry | null {
  try {
    const entry = JSON.parse(text) as Partial<TrailEntry> | null;
    const texts = [entry?.at, entry?.actor, entry?.subject];
    const isEntry = texts.every((each) => typeof each === 'string') && ACTS.includes(entry?.act as Act);
    return isEntry ? (entry as TrailEntry) : null;
  } catch {
    return null;
  }
}
