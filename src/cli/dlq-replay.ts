/**
 * Appends records of dead letters again, once for each fingerprint that rejected them, however often it is run or killed.
 * What will be appended is first written into the dead-letter topic, as a numbered plan; then its records are appended in
 * one transaction that keeps the plan's number as the position of the work. A later replay fences a former one, and begins
 * with the plan that was left. Letters that nobody would take yet are in no plan: they are looked at each time.
 */
import type { Clock } from '../core/clock.ts';
import { assert } from '../core/assert.ts';
import type { Definitions, SourceDefinition } from '../definition/definition.ts';
import { compileChangeReader, Deletion, NOTHING } from '../event/change.ts';
import { Fault } from '../event/convert.ts';
import { encodeRecordKey } from '../event/record-key.ts';
import { REPLAY_HEADER, formatReplayHeader, replayedFrom } from '../event/replay-header.ts';
import { createRowReader } from '../event/row.ts';
import type { LogRecord, RecordHeaders } from '../event/event.ts';
import { createSchemaTable, type Schemas } from '../event/schemas.ts';
import { slotOf } from '../event/slot.ts';
import { traceHeadersOf } from '../event/trace-context.ts';
import type { AppendRecord, Log, Transfer } from '../log/log.ts';
import { partitionOf } from '../log/partitioner.ts';
import { type DeadLetter, deadLetterTopic, parseLetter } from '../materialize/dead-letters.ts';
import { createJudge, type Judge, recordOfLetter } from './dlq-judge.ts';
import { type PlannedLetter, type ReplayPlan, erasuresOf, lettersOf, plansOf } from './dlq-topic.ts';

export interface ReplayOptions {
  readonly log: Log;
  readonly definitions: Definitions;
  readonly source: SourceDefinition;
  readonly clock: Clock;
  readonly schemas: Schemas | null;
  /** Only letters with this code. */
  readonly reason?: string;
  /** Says what would be appended, and appends nothing. */
  readonly dryRun: boolean;
  readonly onProgress?: (replayed: Replayed) => void;
}

/** What became of the letters of a source. */
export interface Replayed {
  readonly source: string;
  appended: number;
  /** Rejected still, or too large to have been kept. */
  rejected: number;
  /** Of entities that were erased since: left where they are. */
  erased: number;
  /** Appended by earlier replays. */
  earlier: number;
}

/** Letters of one plan, and bytes of their records. */
const PLAN_LETTERS_MAX = 100;
const PLAN_BYTES_MAX = 1_048_576;
const READ_RECORDS_MAX = 500;
const TEXT_ENCODER = new TextEncoder();

export async function replayLetters(options: ReplayOptions): Promise<Replayed> {
  const { log, source, dryRun } = options;
  const topic = deadLetterTopic(source.topic);
  const result: Replayed = { source: source.name, appended: 0, rejected: 0, erased: 0, earlier: 0 };
  if ((await log.ranges(topic)) === null) return result;
  const judge = createJudge(options, await erasuresOf(log, source));
  if (dryRun) {
    await planNew(options, judge, await plansOf(log, source), result, () => Promise.resolve());
    return result;
  }
  const id = `skewless-replay/${topic}/${source.name}`;
  const transfer = await log.openTransfer({ id, group: id, topic, partition: 0 });
  try {
    const plans = await plansOf(log, source);
    const done = (await transfer.position()) ?? 0;
    for (const plan of plans) {
      if (plan.replay > done && !(await isCarriedOut(log, source, plan)))
        result.appended += await carryOut(options, judge, transfer, plan);
    }
    let last = Math.max(done, ...plans.map(({ replay }) => replay));
    await planNew(options, judge, plans, result, async (letters) => {
      const ends = ((await log.ranges(source.topic)) ?? []).map((range) => [range.partition, range.endOffset] as const);
      const plan: ReplayPlan = { replay: last + 1, source: source.name, ends, letters };
      const key = TEXT_ENCODER.encode(`${source.name}/replay/${plan.replay}`);
      const value = TEXT_ENCODER.encode(JSON.stringify(plan));
      await transfer.append(topic, [{ key, value, timestampMs: null }], last);
      await carryOut(options, judge, transfer, plan);
      last = plan.replay;
    });
  } finally {
    await transfer.close();
  }
  return result;
}

/** Goes through the letters that are in no plan yet; `carry` is given them in portions. */
async function planNew(
  options: ReplayOptions,
  judge: Judge,
  plans: readonly ReplayPlan[],
  result: Replayed,
  carry: (letters: readonly PlannedLetter[]) => Promise<void>,
): Promise<void> {
  const planned = new Set(plans.flatMap(({ letters }) => letters.flatMap(namesOf)));
  let portion: PlannedLetter[] = [];
  let bytes = 0;
  for await (const { letter, letterOffset } of lettersOf(options.log, options.source)) {
    const { partition, offset } = letter;
    if (options.reason !== undefined && letter.rejections.every(({ code }) => code !== options.reason)) continue;
    const rejecters = letter.rejections.flatMap(({ fingerprints }) => fingerprints);
    const waiting = rejecters.filter((each) => !planned.has(nameOf(partition, offset, each)));
    await judge.prepare(letter);
    const { takers: fingerprints, erased } = judge.judge(letter, waiting);
    if (waiting.length === 0) result.earlier++;
    else if (fingerprints.length === 0 && erased.length > 0) result.erased++;
    else if (fingerprints.length === 0) result.rejected++;
    else {
      const next: PlannedLetter = { letter_offset: letterOffset, partition, offset, fingerprints };
      for (const name of namesOf(next)) planned.add(name);
      portion.push(next);
      bytes += letter.value_base64?.length ?? 0;
      result.appended++;
    }
    if (portion.length >= PLAN_LETTERS_MAX || bytes >= PLAN_BYTES_MAX) {
      await carry(portion);
      [portion, bytes] = [[], 0];
    }
    options.onProgress?.(result);
  }
  if (portion.length > 0) await carry(portion);
}

function namesOf({ partition, offset, fingerprints }: PlannedLetter): readonly string[] {
  return fingerprints.map((fingerprint) => nameOf(partition, offset, fingerprint));
}

function nameOf(partition: number, offset: number, fingerprint: string): string {
  return `${partition}/${offset}/${fingerprint}`;
}

/** The records of a plan, and its number, in one transaction; answers how many. Not those of entities erased since it was made. */
async function carryOut(
  { log, source, schemas }: ReplayOptions,
  judge: Judge,
  transfer: Transfer,
  plan: ReplayPlan,
): Promise<number> {
  const partitions = (await log.ranges(source.topic))?.length ?? 1;
  const topic = deadLetterTopic(source.topic);
  const held = (await log.ranges(topic))?.[0]?.startOffset ?? 0;
  const recordOf = createCopier(source, schemas, partitions);
  const records: AppendRecord[] = [];
  for (const { letter_offset: at, fingerprints } of plan.letters) {
    // What retention took while the plan was left lying is gone.
    if (at < held) continue;
    const [record] = await log.read(topic, 0, at, 1);
    const letter = record === undefined ? null : parseLetter(record);
    assert(letter !== null, 'a plan names letters of its topic');
    await judge.prepare(letter);
    const { erased } = judge.judge(letter, fingerprints);
    const left = fingerprints.filter((fingerprint) => !erased.includes(fingerprint));
    if (left.length > 0) records.push(await recordOf(letter, left, record?.headers));
  }
  await transfer.append(source.topic, records, plan.replay);
  return records.length;
}

/** A position may be older than the last transaction: what that appended says whether it was. */
async function isCarriedOut(log: Log, source: SourceDefinition, { ends, letters }: ReplayPlan): Promise<boolean> {
  const planned = new Set(letters.map(({ partition, offset }) => `${partition}/${offset}`));
  const from = new Map(ends);
  for (const { partition, startOffset, endOffset } of (await log.ranges(source.topic)) ?? []) {
    let position = Math.max(startOffset, from.get(partition) ?? 0);
    while (position < endOffset) {
      const records = await log.read(source.topic, partition, position, READ_RECORDS_MAX);
      if (records.some((record) => planned.has(replayedFrom(record) ?? ''))) return true;
      const last = records.at(-1);
      if (last === undefined) break;
      position = last.offset + 1;
    }
  }
  return false;
}

/** Keyed as the source declares, and so where its key belongs, which need not be how and where it was. */
function createCopier(source: SourceDefinition, schemas: Schemas | null, partitions: number) {
  const table = createSchemaTable(source, schemas);
  const readChange = compileChangeReader(source, table);
  const rows = createRowReader(source);
  const slots = source.key.fields.map((name) => slotOf(source, name));

  function declaredKey(record: LogRecord): Uint8Array | null {
    const row = readChange(record);
    if (row === NOTHING || row instanceof Deletion || row instanceof Fault) return null;
    rows.begin(row);
    if (rows.require(slots) !== null) return null;
    return encodeRecordKey(
      source.key,
      slots.map((slot) => rows.row[slot] ?? null),
    );
  }

  return async (
    letter: DeadLetter,
    fingerprints: readonly string[],
    headersOfLetter?: RecordHeaders,
  ): Promise<AppendRecord> => {
    const record = recordOfLetter(letter, letter.appended_ms);
    const { value } = record;
    assert(value !== null, 'a view takes records with a value alone');
    await table?.prepare([record]);
    const key = declaredKey(record) ?? record.key;
    const partition = partitionOf(key, partitions, source.partitioner) ?? Math.min(letter.partition, partitions - 1);
    const headers = {
      ...traceHeadersOf(headersOfLetter),
      [REPLAY_HEADER]: TEXT_ENCODER.encode(formatReplayHeader(letter, fingerprints)),
    };
    return { key, value, timestampMs: null, partition, headers };
  };
}
