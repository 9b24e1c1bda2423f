/** From a checked request to its vectors: one pass of reads, then row after row within the budget. */
import type { Status } from '../../../core/status.ts';
import type { Value } from '../../../core/value.ts';
import type { RowPlan } from '../../../vector/row-plan.ts';
import type { ServicePlan } from '../../../vector/service.ts';
import type { Serving } from '../../dependencies.ts';
import { type ShardOutcome, createReadRequest, readSeated, readShards } from '../../shard-reads.ts';
import type { JsonText } from '../../send.ts';
import { readApplied } from './after.ts';
import { countsWithin } from './counts.ts';
import { defaultAsOf, planWatermarks, storeUnavailable } from './default-as-of.ts';
import { explainRow } from './explain.ts';
import { type ReceiptWriter, createReceipts } from './receipt.ts';
import { isDegraded } from './degraded.ts';
import { recordAnswer } from './record-answer.ts';
import type { RequestRow, VectorsRequest } from './request.ts';
import { NO_EXTRAS, type RowExtras, createAnswer } from './response.ts';
import { type RowEvaluator, type RowSources, createRowEvaluator } from './row-evaluation.ts';
import { type AppearanceRead, planReads } from './row-reads.ts';
import { WITH_STATUS, createServedRows } from './served-rows.ts';

/** How long a read with `after` and without `budget_ms` waits. */
const AFTER_WAIT_MS = 1_000;
/** Rows of which nothing had to be evaluated, between two looks at the clock. */
const HOT_ROWS_UNCHECKED_MAX = 16;
const NONE: ReadonlySet<string> = new Set();

/** What a request's rows are answered from. */
interface Sources extends RowSources {
  readonly asOfMs: number | null;
}

/** What an answer is made from besides the request. */
export interface AnswerContext {
  readonly serving: Serving;
  readonly plan: ServicePlan;
  readonly nowMs: number;
  /** From receipt of the request. */
  readonly elapsedMs: () => number;
  /** Called where the answer is degraded (degraded.ts). */
  readonly flagDegraded: () => void;
  /** Called where all of it is answered from what is kept. */
  readonly onKept?: (reads: readonly AppearanceRead[]) => void;
  /** Whose form the answer has; absent: our own. */
  readonly writerOf?: typeof createAnswer;
}

/**
 * At once where nothing has to be waited for: a promise is a good part of what a hot request costs. `knownReads`: of a body that
 * was known.
 */
export function answerVectors(
  context: AnswerContext,
  request: VectorsRequest,
  knownReads: readonly AppearanceRead[] | null = null,
): JsonText | Promise<JsonText> {
  const known = knownReads === null ? null : answerKept(context, request, knownReads);
  if (known !== null) return known;
  // Entities may sit elsewhere by now, for places are forgotten.
  const reads = planKept(context, request);
  return (reads === null ? null : answerKept(context, request, reads)) ?? answerRead(context, request);
}

/** What the request reads, where nothing has to be asked to know it; else null. */
function planKept({ serving, plan, nowMs }: AnswerContext, request: VectorsRequest): readonly AppearanceRead[] | null {
  const { selection, rows, after } = request;
  const counts = serving.partitions.known(selection.sources);
  if (counts === null || after.size > 0) return null;
  if (request.asOfMs === null && selection.sources.some(({ clock }) => clock === 'watermark')) return null;
  return planReads(plan, selection, rows, request.asOfMs ?? nowMs, serving.entityPlaces, counts);
}

/** From what is kept alone; null: something must be read. */
function answerKept(
  context: AnswerContext,
  request: VectorsRequest,
  reads: readonly AppearanceRead[],
): JsonText | null {
  const kept = readSeated(context.serving.states, reads);
  if (kept === null) return null;
  context.onKept?.(reads);
  const { outcomes, entries } = kept;
  return answerRows(context, request, {
    asOfMs: request.asOfMs ?? context.nowMs,
    reads,
    outcomes,
    entries,
    notApplied: NONE,
  });
}

async function answerRead(context: AnswerContext, request: VectorsRequest): Promise<JsonText> {
  const { serving, plan, nowMs, elapsedMs } = context;
  const { selection } = request;
  const leftMs = leftOf(context, request);
  const limits = () => ({ readLimitMs: serving.readLimitMs, budgetLeftMs: leftMs() });
  let { asOfMs } = request;
  const counts = await countsWithin(serving, selection.sources, leftMs);
  const wanted = createReadRequest();
  if (asOfMs === null) {
    planWatermarks(plan, selection, wanted, counts);
    if (selection.keysUseAsOf) {
      const early = await readShards(serving.states, wanted.shards, limits());
      asOfMs = defaultAsOf(serving, plan, selection, early, counts, nowMs);
    }
  }
  const reads = planReads(plan, selection, request.rows, asOfMs ?? nowMs, serving.entityPlaces, counts);
  for (const read of reads) if (typeof read !== 'string') wanted.entity(read);
  const afterLeftMs =
    request.budgetMs === null ? (): number => Math.min(AFTER_WAIT_MS - elapsedMs(), leftMs()) : leftMs;
  const { outcomes, notApplied } = await readApplied(serving, wanted.shards, request.after, afterLeftMs, limits);
  serving.outages.report(outcomes);
  refuseIfUnreadable(reads, outcomes);
  // Keys that depend on as_of were made for the one known before the read, or for none.
  if (!selection.keysUseAsOf) asOfMs ??= defaultAsOf(serving, plan, selection, outcomes, counts, nowMs);
  return answerRows(context, request, { asOfMs, reads, outcomes, entries: null, notApplied });
}

function leftOf({ serving, elapsedMs }: AnswerContext, request: VectorsRequest): () => number {
  const budgetMs = request.budgetMs ?? serving.budgetMs;
  return () => budgetMs - elapsedMs();
}

function rowPlanOf({ selection, layout }: VectorsRequest): RowPlan {
  return layout === 'columns' ? selection.columns : selection.rows;
}

/** Timed as a step of its own where the request is traced. */
function answerRows(context: AnswerContext, request: VectorsRequest, sources: Sources): JsonText {
  const { tracing } = context.serving;
  if (!tracing) return writeRows(context, request, sources);
  return tracing.step('evaluate', () => writeRows(context, request, sources));
}

/**
 * Row after row. The budget is checked between rows: what was read in time is served for the first one whatever reading took.
 * Between rows whose texts were there already, which take less than a clock does, it is checked now and then.
 */
function writeRows(context: AnswerContext, request: VectorsRequest, sources: Sources): JsonText {
  const { serving, plan, nowMs, flagDegraded, writerOf = createAnswer } = context;
  const { asOfMs, outcomes } = sources;
  const { rows, selection, include } = request;
  if (isDegraded(serving, outcomes)) flagDegraded();
  const rowPlan = rowPlanOf(request);
  const evaluator = createRowEvaluator({ serving, rowPlan, sources, nowMs });
  const recorder = serving.vectorRecorderOf(plan);
  const answer = writerOf(plan, request, asOfMs);
  const writer = recordAnswer(recorder, rowPlan, plan.work.ranks, selection.served, answer);
  const receiptOf = receiptWriter(context, request, sources, evaluator);
  const extrasOf = extrasWriter(context, request, sources, evaluator, receiptOf);
  const { servedLog = null } = serving;
  const served =
    servedLog === null ? null : createServedRows(servedLog, { plan, request, rowPlan, sources, receiptOf, nowMs });
  const isOver = createBudgetCheck(leftOf(context, request), evaluator);
  // Where nothing was asked for, a row is moved to where its states are exact. Keys that depend on `as_of` would then
  // name other entities, so such rows are not.
  const mayMove = request.asOfMs === null && !selection.keysUseAsOf;
  const mayBeReady = writer.ready !== undefined && rowPlan.parts[0]?.isWhole === true && extrasOf === NO_EXTRAS_OF;
  let from = 0;
  for (let index = 0; index < rows.length; index++) {
    const row = rows[index] as RequestRow;
    if (!row.ok) {
      writer.error(row.problem);
      continue;
    }
    const key = served === null ? null : served.sampledKey(from);
    if (asOfMs === null || (index > 0 && isOver())) {
      writer.withheld('TIMED_OUT', asOfMs, extrasOf(row, asOfMs, null));
      if (key !== null) served?.withheld(key, 'TIMED_OUT', row.values, asOfMs);
    } else {
      const ready = mayBeReady && key === null ? evaluator.ready(from, asOfMs) : null;
      if (ready === null) {
        const sealedUntilMs = evaluator.look(from);
        const rowAsOfMs = mayMove && sealedUntilMs > asOfMs ? sealedUntilMs : asOfMs;
        const fragments = evaluator.fragments(rowAsOfMs, key === null ? include : WITH_STATUS);
        const written = { fragments, request: row.values, asOfMs: rowAsOfMs };
        writer.row(written, extrasOf(row, rowAsOfMs, from));
        if (key !== null) served?.row(key, written, from);
      } else writer.ready?.(ready);
    }
    from += selection.appearances.length;
  }
  return writer.end();
}

/** Whether the budget is spent; once it is, it stays so. */
function createBudgetCheck(leftMs: () => number, { evaluated }: RowEvaluator): () => boolean {
  let rowsUnchecked = Infinity;
  let before = 0;
  let isSpent = false;
  return () => {
    if (isSpent || (evaluated() === before && ++rowsUnchecked < HOT_ROWS_UNCHECKED_MAX)) return isSpent;
    before = evaluated();
    rowsUnchecked = 0;
    isSpent = leftMs() <= 0;
    return isSpent;
  };
}

/** `from` null: nothing was looked at for the row. `values`: their JSON text, as an array. */
export type ReceiptOf = (row: readonly Value[], asOfMs: number, from: number | null, values: string) => string;

function receiptWriter(
  { plan, nowMs }: AnswerContext,
  { selection }: VectorsRequest,
  { reads, outcomes }: Sources,
  evaluator: RowEvaluator,
): ReceiptOf {
  const { appearances } = selection;
  let receipts: ReceiptWriter | null = null;
  return (request, asOfMs, from, values) => {
    receipts ??= createReceipts(plan, selection, outcomes, nowMs);
    const ofRow = from === null ? [] : reads.slice(from, from + appearances.length);
    const withheld = appearances.map((_appearance, part): Status | null =>
      from === null ? 'TIMED_OUT' : evaluator.withheld(part, asOfMs),
    );
    return receipts.write({ request, asOfMs, reads: ofRow, withheld }, values);
  };
}

type ExtrasOf = (row: RequestRow & { ok: true }, asOfMs: number | null, from: number | null) => RowExtras;

const NO_EXTRAS_OF: ExtrasOf = () => NO_EXTRAS;

function extrasWriter(
  { serving, plan }: AnswerContext,
  { include, selection }: VectorsRequest,
  { reads }: Sources,
  evaluator: RowEvaluator,
  receiptOf: ReceiptOf,
): ExtrasOf {
  if (!include.receipt && !include.explain) return NO_EXTRAS_OF;
  const { viewPlans } = serving;
  return (row, asOfMs, from) => {
    const ofRow = from === null ? [] : reads.slice(from, from + selection.appearances.length);
    return {
      receipt: include.receipt && asOfMs !== null ? (values) => receiptOf(row.values, asOfMs, from, values) : null,
      explain: include.explain ? explainRow(plan, selection, { evaluator, viewPlans, reads: ofRow, asOfMs }) : null,
    };
  };
}

/** 503 when rows need the store and none of their shards could be read. */
function refuseIfUnreadable(reads: readonly AppearanceRead[], outcomes: ReadonlyMap<string, ShardOutcome>): void {
  let unreadable = 0;
  for (const outcome of outcomes.values()) if (outcome.kind === 'unavailable') unreadable++;
  if (unreadable === 0) return;
  const needed = reads.filter((read) => typeof read !== 'string');
  if (needed.length > 0 && needed.every(({ shard }) => outcomes.get(shard)?.kind === 'unavailable')) {
    throw storeUnavailable();
  }
}
