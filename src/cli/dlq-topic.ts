/** What a dead-letter topic holds: letters, and the plans of replays (see dlq-replay.ts). */
import type { SourceDefinition } from '../definition/definition.ts';
import { type Erasure, parseErasure } from '../event/erasure.ts';
import type { LogRecord } from '../event/event.ts';
import type { Log } from '../log/log.ts';
import { type DeadLetter, deadLetterTopic, parseLetter } from '../materialize/dead-letters.ts';

/** A letter with where it is. */
export interface Found {
  readonly source: SourceDefinition;
  readonly letterOffset: number;
  readonly letter: DeadLetter;
}

/** A letter's coordinates, and those who are to take its record now. */
export interface PlannedLetter {
  readonly letter_offset: number;
  readonly partition: number;
  readonly offset: number;
  readonly fingerprints: readonly string[];
}

/** The JSON value of a plan's record. */
export interface ReplayPlan {
  /** 1, 2, 3, … of the source. */
  readonly replay: number;
  readonly source: string;
  /** Ends of the source's partitions when it was made: what it appends is not below them. */
  readonly ends: readonly (readonly [partition: number, endOffset: number])[];
  readonly letters: readonly PlannedLetter[];
}

const READ_RECORDS_MAX = 500;
const TEXT_DECODER = new TextDecoder();

export async function* recordsOf(log: Log, topic: string): AsyncGenerator<LogRecord, void, undefined> {
  const range = (await log.ranges(topic))?.[0];
  let offset = range?.startOffset ?? 0;
  while (offset < (range?.endOffset ?? 0)) {
    const records = await log.read(topic, 0, offset, READ_RECORDS_MAX);
    yield* records;
    const last = records.at(-1);
    if (last === undefined) return;
    offset = last.offset + 1;
  }
}

export async function* lettersOf(log: Log, source: SourceDefinition): AsyncGenerator<Found, void, undefined> {
  for await (const record of recordsOf(log, deadLetterTopic(source.topic))) {
    const letter = parseLetter(record);
    if (letter !== null && letter.source === source.name) yield { source, letterOffset: record.offset, letter };
  }
}

export async function plansOf(log: Log, source: SourceDefinition): Promise<readonly ReplayPlan[]> {
  const plans: ReplayPlan[] = [];
  for await (const { value } of recordsOf(log, deadLetterTopic(source.topic))) {
    const plan = value === null ? null : parsePlan(value);
    if (plan?.source === source.name) plans.push(plan);
  }
  return plans;
}

/** Of entities whose letters are not to be replayed any more. */
export async function erasuresOf(log: Log, source: SourceDefinition): Promise<readonly Erasure[]> {
  const erasures: Erasure[] = [];
  for await (const record of recordsOf(log, deadLetterTopic(source.topic))) {
    const erasure = parseErasure(record);
    if (erasure !== null) erasures.push(erasure);
  }
  return erasures;
}

function parsePlan(value: Uint8Array): ReplayPlan | null {
  try {
    const plan = JSON.parse(TEXT_DECODER.decode(value)) as ReplayPlan | null;
    return typeof plan?.replay === 'number' && Array.isArray(plan.letters) ? plan : null;
  } catch {
    return null;
  }
}
