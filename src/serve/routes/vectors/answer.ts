/** From a checked request to its vectors: one pass of reads, then row after row within the budget. */
import type { RowPlan } from '../../../vector/row-plan.ts';
import type { ServicePlan } from '../../../vector/service.ts';
import type { Serving } from '../../dependencies.ts';
import { type ShardOutcome, createReadRequest, readShards } from '../../shard-reads.ts';
import type { JsonText } from '../../send.ts';
import type { Tracing } from '../../tracing.ts';
import { readApplied } from './after.ts';
import { countsWithin } from './counts.ts';
import { defaultAsOf, planWatermarks, storeUnavailable } from './default-as-of.ts';
import { explainRow } from './explain.ts';
import { createReceipts } from './receipt.ts';
import { isDegraded } from './degraded.ts';
import { recordAnswer } from './record-answer.ts';
import type { RequestRow, VectorsRequest } from './request.ts';
import { NO_EXTRAS, type RowExtras, createAnswer } from './response.ts';
import { type RowEvaluator, createRowEvaluator } from './row-evaluation.ts';
import { type AppearanceRead, planReads } from './row-reads.ts';

/** How long a read with `after` and without `budget_ms` waits. */
const AFTER_WAIT_MS = 1_000;

/** What a request's rows are answered from. */
interface Sources {
  readonly asOfMs: number | null;
  readonly reads: readonly AppearanceRead[];
  readonly outcomes: ReadonlyMap<string, ShardOutcome>;
  readonly evaluator: RowEvaluator;
}

/** `elapsedMs` runs from receipt of the request; `flagDegraded` is called where the answer is one (degraded.ts). */
export async function answerVectors(
  serving: Serving,
  plan: ServicePlan,
  request: VectorsRequest,
  nowMs: number,
  elapsedMs: () => number,
  flagDegraded: () => void,
): Promise<JsonText> {
  const { selection } = request;
  const budgetMs = request.budgetMs ?? serving.budgetMs;
  const leftMs = (): number => budgetMs - elapsedMs();
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
  const reads = planReads(plan, selection, wanted, request.rows, asOfMs ?? nowMs, serving.entityPlaces, counts);
  const afterLeftMs =
    request.budgetMs === null ? (): number => Math.min(AFTER_WAIT_MS - elapsedMs(), leftMs()) : leftMs;
  const { outcomes, notApplied } = await readApplied(serving, wanted.shards, request.after, afterLeftMs, limits);
  serving.outages.report(outcomes);
  if (isDegraded(serving, outcomes)) flagDegraded();
  refuseIfUnreadable(reads, outcomes);
  // Keys that depend on as_of were made for the one known before the read, or for none.
  if (!selection.keysUseAsOf) asOfMs ??= defaultAsOf(serving, plan, selection, outcomes, counts, nowMs);
  const evaluator = createRowEvaluator({
    serving,
    plan,
    rowPlan: rowPlanOf(request),
    metadata: request.include,
    reads,
    outcomes,
    notApplied,
    nowMs,
  });
  const sources = { asOfMs, reads, outcomes, evaluator };
  if (serving.tracing) return writeRowsTraced(serving.tracing, serving, plan, request, sources, leftMs);
  return writeRows(serving, plan, request, sources, leftMs);
}

function writeRowsTraced(tracing: Tracing, ...rows: Parameters<typeof writeRows>): JsonText {
  return tracing.step('evaluate', () => writeRows(...rows));
}

function rowPlanOf({ selection, layout }: VectorsRequest): RowPlan {
  return layout === 'columns' ? selection.columns : selection.rows;
}

/** Row after row. The budget is checked between rows: what was read in time is served for the first one whatever reading took. */
function writeRows(
  serving: Serving,
  plan: ServicePlan,
  request: VectorsRequest,
  sources: Sources,
  leftMs: () => number,
): JsonText {
  const { asOfMs, evaluator } = sources;
  const { rows, selection } = request;
  const recorder = serving.vectorRecorders.get(plan.definition.id);
  const answer = createAnswer(plan, request, asOfMs);
  const writer = recordAnswer(recorder, rowPlanOf(request), plan.work.ranks, selection.names.length, answer);
  const extrasOf = extrasWriter(serving, plan, request, sources);
  // Where nothing was asked for, a row is moved to where its states are exact. Keys that depend on `as_of` would then
  // name other entities, so such rows are not.
  const mayMove = request.asOfMs === null && !selection.keysUseAsOf;
  let from = 0;
  for (let index = 0; index < rows.length; index++) {
    const row = rows[index] as RequestRow;
    if (!row.ok) {
      writer.error(row.problem);
      continue;
    }
    if (asOfMs === null || (index > 0 && leftMs() <= 0)) {
      writer.withheld('TIMED_OUT', asOfMs, extrasOf(row, asOfMs, null));
    } else {
      const sealedUntilMs = evaluator.look(from);
      const rowAsOfMs = mayMove && sealedUntilMs > asOfMs ? sealedUntilMs : asOfMs;
      const fragments = evaluator.fragments(rowAsOfMs);
      writer.row({ fragments, request: row.values, asOfMs: rowAsOfMs }, extrasOf(row, rowAsOfMs, from));
    }
    from += selection.appearances.length;
  }
  return writer.end();
}

/** `from` null: nothing was looked at for the row. */
type ExtrasOf = (row: RequestRow & { ok: true }, asOfMs: number | null, from: number | null) => RowExtras;

function extrasWriter(serving: Serving, plan: ServicePlan, request: VectorsRequest, sources: Sources): ExtrasOf {
  const { include, selection } = request;
  if (!include.receipt && !include.explain) return () => NO_EXTRAS;
  const { reads, outcomes, evaluator } = sources;
  const receipts = createReceipts(plan, selection, outcomes);
  const { viewPlans } = serving;
  return (row, asOfMs, from) => {
    const ofRow = from === null ? [] : reads.slice(from, from + selection.appearances.length);
    return {
      receipt: include.receipt && asOfMs !== null ? receipts.write(row.values, asOfMs, ofRow) : null,
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
