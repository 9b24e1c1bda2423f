/**
 * The answer as JSON. `rows`: one object a row. `columns`: the same transposed, one array a feature, ready for a data
 * frame; what belongs to rows (`issues`, `receipt`, `as_of`, `error`) stays in `rows`.
 */
import { type Status, isOrdinary } from '../../../core/status.ts';
import { formatTimestamp } from '../../../core/time.ts';
import type { ServicePlan, Selection } from '../../../vector/service.ts';
import type { Json } from '../../../vector/render.ts';
import type { Answer, AnsweredRow } from './answer.ts';
import { explainRow } from './explain.ts';
import type { VectorsRequest } from './request.ts';
import { type ReceiptShard, encodeReceipt } from './receipt.ts';

type VectorRow = AnsweredRow & { readonly kind: 'vector' };
type JsonObject = { [name: string]: unknown };

export function renderAnswer(plan: ServicePlan, request: VectorsRequest, answer: Answer): JsonObject {
  const { definition } = plan;
  const head = {
    service: definition.name,
    version: definition.version,
    fingerprint: definition.fingerprint,
    as_of: timestampOrNull(answer.asOfMs),
    features: request.selection.names,
  };
  if (request.layout === 'columns') return { ...head, ...renderColumns(plan, request, answer) };
  const vectors = answer.rows.map((row) => {
    if (row.kind === 'error') return { error: row.problem };
    const aligned: JsonObject = { values: row.vector.values };
    if (request.include.has('status')) aligned['status'] = row.vector.statuses;
    if (request.include.has('event_time')) aligned['event_time'] = row.vector.eventTimesMs.map(timestampOrNull);
    return Object.assign(aligned, renderRowFields(plan, request, answer, row));
  });
  return { ...head, vectors };
}

function renderColumns(plan: ServicePlan, request: VectorsRequest, answer: Answer): JsonObject {
  const { include, selection } = request;
  const transposed = (pick: (row: VectorRow, index: number) => unknown) =>
    Object.fromEntries(
      selection.names.map((name, index) => [
        name,
        answer.rows.map((row) => (row.kind === 'error' ? null : (pick(row, index) ?? null))),
      ]),
    );
  const columns: JsonObject = { columns: transposed((row, index) => row.vector.values[index]) };
  if (include.has('status')) columns['status'] = transposed((row, index) => row.vector.statuses[index]);
  if (include.has('event_time')) {
    columns['event_time'] = transposed((row, index) => timestampOrNull(row.vector.eventTimesMs[index] ?? null));
  }
  const rows = answer.rows.map((row) =>
    row.kind === 'error' ? { error: row.problem } : renderRowFields(plan, request, answer, row),
  );
  return { ...columns, rows };
}

/** What a row says of itself beside what aligns with `features`. */
function renderRowFields(plan: ServicePlan, request: VectorsRequest, answer: Answer, row: VectorRow): JsonObject {
  const fields: JsonObject = {};
  const issues = issuesOf(request.selection, row.vector.statuses);
  if (issues !== null) fields['issues'] = issues;
  if (row.asOfMs !== answer.asOfMs) fields['as_of'] = timestampOrNull(row.asOfMs);
  if (request.include.has('receipt') && row.asOfMs !== null) {
    fields['receipt'] = encodeReceipt(plan.definition, row.request, row.asOfMs, receiptShards(plan, answer, row));
  }
  if (request.include.has('explain')) fields['explain'] = explainRow(plan, request.selection, answer, row);
  return fields;
}

/** Every status that is not ordinary, by feature; null when there is none. */
function issuesOf(selection: Selection, statuses: readonly Status[]): Record<string, Status> | null {
  let issues: Record<string, Status> | null = null;
  for (const [index, status] of statuses.entries()) {
    if (isOrdinary(status)) continue;
    issues ??= {};
    issues[selection.names[index] ?? ''] = status;
  }
  return issues;
}

/** The shards a row was read from, each view's part of them once. */
function receiptShards(plan: ServicePlan, answer: Answer, row: VectorRow): readonly ReceiptShard[] {
  const shards = new Map<string, ReceiptShard>();
  for (const [index, read] of row.reads.entries()) {
    const view = plan.definition.appearances[index]?.view;
    if (read?.kind !== 'entity' || view === undefined) continue;
    const outcome = answer.outcomes.get(read.ref.shard);
    if (outcome?.kind !== 'read') continue;
    const checkpoint = outcome.sections.get(view.stateFingerprint)?.checkpoint ?? null;
    if (checkpoint === null) continue;
    shards.set(`${view.id} ${read.ref.shard}`, {
      view: view.id,
      stateFingerprint: view.stateFingerprint,
      readFingerprint: view.readFingerprint,
      shard: outcome.id,
      position: checkpoint.position,
    });
  }
  return [...shards.values()];
}

function timestampOrNull(ms: number | null): Json {
  return ms === null ? null : formatTimestamp(ms);
}
