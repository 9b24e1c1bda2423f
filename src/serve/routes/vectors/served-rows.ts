/**
 * Rows of a request for the served log, as texts: those of which an entity is sampled. What is logged is what was served, of
 * the same fragments, with statuses and a receipt whether or not the client asked for them. For all other rows it costs a
 * look at a few booleans.
 */
import type { Status } from '../../../core/status.ts';
import type { Value } from '../../../core/value.ts';
import type { Metadata } from '../../../vector/fragment.ts';
import type { RowPlan } from '../../../vector/row-plan.ts';
import { type WrittenRow, statusText, valuesText } from '../../../vector/row-text.ts';
import { SERVED_FORMAT } from '../../../vector/served-row.ts';
import type { ServicePlan } from '../../../vector/service.ts';
import { timestampText } from '../../../vector/text.ts';
import type { ServedLog } from '../../served-log.ts';
import type { ReceiptOf } from './answer.ts';
import type { VectorsRequest } from './request.ts';
import type { RowSources } from './row-evaluation.ts';

export interface ServedRows {
  /** The first sampled entity of the row whose reads begin at `from`; null: it is not to be logged. */
  sampledKey(from: number): string | null;
  /** After the row was written, for its derived features are read where the writer left them. */
  row(key: string, row: WrittenRow, from: number): void;
  /** All values are withheld, for one reason. `asOfMs` null: it was not even known when; then there is nothing to log. */
  withheld(key: string, status: Status, request: readonly Value[], asOfMs: number | null): void;
}

/** Of a row, joined with commas. */
interface Texts {
  readonly values: string;
  readonly statuses: string;
}

export interface ServedContext {
  readonly plan: ServicePlan;
  readonly request: VectorsRequest;
  readonly rowPlan: RowPlan;
  readonly sources: Pick<RowSources, 'reads'>;
  readonly receiptOf: ReceiptOf;
  readonly nowMs: number;
}

export function createServedRows(servedLog: ServedLog, context: ServedContext): ServedRows {
  const { plan, request, rowPlan, sources, receiptOf, nowMs } = context;
  const { selection } = request;
  const { reads } = sources;
  const width = selection.appearances.length;

  /** `from` null: nothing was looked at for the row. */
  function offer(key: string, texts: Texts, row: readonly Value[], asOfMs: number, from: number | null): void {
    const { values, statuses } = texts;
    const entity = plan.columnWriters.map(({ label, write }, index) => label + write(row[index] ?? null)).join(',');
    const head = `${selection.headText}${timestampText(asOfMs)}${selection.namesText}`;
    const served = `"values":[${values}],"status":[${statuses}],"entity":{${entity}}`;
    const receipt = receiptOf(row, asOfMs, from, `[${values}]`);
    const text = `${head}${served},"receipt":"${receipt}","served_at":${timestampText(nowMs)},"format":${SERVED_FORMAT}}`;
    servedLog.offer(key, text);
  }

  return {
    sampledKey(from) {
      for (let at = from; at < from + width; at++) {
        const read = reads[at];
        if (read === undefined || typeof read === 'string' || !read.isSampled) continue;
        return servedLog.mayOffer() ? read.entity : null;
      }
      return null;
    },
    row(key, row, from) {
      const { work } = plan;
      const statuses = rowPlan.segments.map((_, at) => statusText(rowPlan, at, row, work)).join(',');
      offer(key, { values: valuesText(rowPlan, row, work), statuses }, row.request, row.asOfMs, from);
    },
    withheld(key, status, row, asOfMs) {
      if (asOfMs === null) return;
      const all = (each: string): string => selection.names.map(() => each).join(',');
      offer(key, { values: all('null'), statuses: all(`"${status}"`) }, row, asOfMs, null);
    },
  };
}

/** What fragments of rows to be logged are made with. */
export const WITH_STATUS: Metadata = Object.freeze({ status: true, eventTime: true });
