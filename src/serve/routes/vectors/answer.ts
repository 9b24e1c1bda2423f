/** From a checked request to its vectors: one pass of reads, then row after row within the budget. */
import type { Value } from '../../../core/value.ts';
import { type AppearanceOutcome, type Vector, assemble, withheldVector } from '../../../vector/assemble.ts';
import type { ServicePlan } from '../../../vector/service.ts';
import type { Serving } from '../../dependencies.ts';
import type { ProblemItem } from '../../problem.ts';
import { type ShardOutcome, createReadRequest, readShards } from '../../shard-reads.ts';
import { readApplied } from './after.ts';
import { defaultAsOf, planWatermarks, storeUnavailable } from './default-as-of.ts';
import type { VectorsRequest } from './request.ts';
import { type RowEvaluator, createRowEvaluator } from './row-evaluation.ts';
import { type AppearanceRead, planRowReads } from './row-reads.ts';

/** How long a read with `after` and without `budget_ms` waits. */
const AFTER_WAIT_MS = 1_000;

export type AnsweredRow =
  | { readonly kind: 'error'; readonly problem: ProblemItem }
  | {
      readonly kind: 'vector';
      readonly vector: Vector;
      /** Null when the budget was spent before any could be known. */
      readonly asOfMs: number | null;
      readonly request: readonly Value[];
      readonly reads: readonly (AppearanceRead | undefined)[];
    };

export interface Answer {
  readonly asOfMs: number | null;
  readonly rows: readonly AnsweredRow[];
  readonly outcomes: ReadonlyMap<string, ShardOutcome>;
  readonly evaluator: RowEvaluator;
}

/** `elapsedMs` runs from receipt of the request. */
export async function answerVectors(
  serving: Serving,
  plan: ServicePlan,
  request: VectorsRequest,
  elapsedMs: () => number,
): Promise<Answer> {
  const { selection, budgetMs } = request;
  const nowMs = serving.clock.nowMs();
  const leftMs = (): number => (budgetMs === null ? Number.POSITIVE_INFINITY : budgetMs - elapsedMs());
  const limits = () => ({ readLimitMs: serving.readLimitMs, budgetLeftMs: leftMs() });
  let asOfMs = request.asOfMs;
  const counts = await serving.partitions.counts(selection.sources);
  const reads = createReadRequest();
  if (asOfMs === null) {
    planWatermarks(plan, selection, reads, counts);
    if (selection.keysUseAsOf) {
      const early = await readShards(serving.store, reads.shards, limits());
      asOfMs = defaultAsOf(serving, plan, selection, early, counts, nowMs);
    }
  }
  const keysAsOfMs = asOfMs ?? nowMs;
  const rowReads = request.rows.map((row) =>
    row.ok ? planRowReads(plan, selection, reads, row.values, keysAsOfMs, counts) : [],
  );
  const afterLeftMs = budgetMs === null ? (): number => AFTER_WAIT_MS - elapsedMs() : leftMs;
  const { outcomes, notApplied } = await readApplied(serving, reads.shards, request.after, afterLeftMs, limits);
  serving.outages.report(outcomes);
  refuseIfUnreadable(rowReads, outcomes);
  // Keys that depend on as_of were made for the one known before the read, or for none.
  if (!selection.keysUseAsOf) asOfMs ??= defaultAsOf(serving, plan, selection, outcomes, counts, nowMs);
  const evaluator = createRowEvaluator({ serving, plan, outcomes, notApplied, nowMs });
  const evaluateRow = (row: VectorsRequest['rows'][number], index: number): AnsweredRow => {
    if (!row.ok) return { kind: 'error', problem: row.problem };
    const planned = rowReads[index] ?? [];
    // Checked between rows: what was read in time is served for the first one whatever reading took.
    if (asOfMs === null || (index > 0 && leftMs() <= 0)) {
      const vector = withheldVector(selection, 'TIMED_OUT');
      return { kind: 'vector', vector, asOfMs, request: row.values, reads: [] };
    }
    const rowAsOfMs = effectiveAsOf(request, asOfMs, evaluator, planned);
    const evaluated: readonly (AppearanceOutcome | undefined)[] = evaluator.evaluate(planned, rowAsOfMs);
    const vector = assemble(plan, selection, row.values, rowAsOfMs, evaluated);
    return { kind: 'vector', vector, asOfMs: rowAsOfMs, request: row.values, reads: planned };
  };
  const evaluateRows = (): readonly AnsweredRow[] => request.rows.map(evaluateRow);
  const rows = serving.tracing ? serving.tracing.step('evaluate', evaluateRows) : evaluateRows();
  return { asOfMs, rows, outcomes, evaluator };
}

/** 503 when rows need the store and none of their shards could be read. */
function refuseIfUnreadable(
  rowReads: readonly (readonly (AppearanceRead | undefined)[])[],
  outcomes: ReadonlyMap<string, ShardOutcome>,
): void {
  const needed = rowReads.flat().flatMap((read) => (read?.kind === 'entity' ? [read.ref.shard] : []));
  if (needed.length > 0 && needed.every((shard) => outcomes.get(shard)?.kind === 'unavailable')) {
    throw storeUnavailable();
  }
}

/**
 * As asked for; or, where nothing was asked for, late enough for the row's states to be exact. Keys that depend on
 * `as_of` would then name other entities, so such rows are not moved.
 */
function effectiveAsOf(
  request: VectorsRequest,
  asOfMs: number,
  evaluator: RowEvaluator,
  reads: readonly (AppearanceRead | undefined)[],
): number {
  if (request.asOfMs !== null || request.selection.keysUseAsOf) return asOfMs;
  return Math.max(asOfMs, evaluator.sealedUntilMs(reads));
}
