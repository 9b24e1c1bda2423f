/**
 * The answer as JSON text, written row by row. `rows`: one object a row. `columns`: the same transposed, one array a
 * feature, ready for a data frame; what belongs to rows (`issues`, `receipt`, `as_of`, `error`) stays in `rows`.
 */
import type { Status } from '../../../core/status.ts';
import { type Workspace, createWorkspace } from '../../../vector/derived.ts';
import type { RowPlan } from '../../../vector/row-plan.ts';
import {
  type WrittenRow,
  eventTimeText,
  fillDerived,
  fillEventTimes,
  fillRequest,
  issuesText,
  statusText,
  valueText,
} from '../../../vector/row-text.ts';
import type { Selection, ServicePlan } from '../../../vector/service.ts';
import { timestampText } from '../../../vector/text.ts';
import type { ProblemItem } from '../../problem.ts';
import type { VectorsRequest } from './request.ts';

/** What a row says of itself, where it was asked to. */
export interface RowExtras {
  readonly receipt: string | null;
  readonly explain: object | null;
}

export const NO_EXTRAS: RowExtras = Object.freeze({ receipt: null, explain: null });

/** Takes the rows in their order. */
export interface AnswerWriter {
  error(problem: ProblemItem): void;
  /** All values are withheld, for one reason. */
  withheld(status: Status, asOfMs: number | null, extras: RowExtras): void;
  row(row: WrittenRow, extras: RowExtras): void;
  text(): string;
}

/** `asOfMs`: of the request; null when the budget was spent before it could be known. */
export function createAnswer(plan: ServicePlan, request: VectorsRequest, asOfMs: number | null): AnswerWriter {
  const { headText, namesText } = request.selection;
  const head = `${headText}${timestampText(asOfMs)}${namesText}`;
  const create = request.layout === 'columns' ? createColumns : createRows;
  return create(plan, request, asOfMs, head);
}

function createRows(
  plan: ServicePlan,
  request: VectorsRequest,
  answerAsOfMs: number | null,
  head: string,
): AnswerWriter {
  const { selection, include } = request;
  const rowPlan = selection.rows;
  const work = createWorkspace(plan.slotCount);
  const joined = (row: WrittenRow, write: typeof valueText): string => {
    let text = write(rowPlan, 0, row, work);
    for (let at = 1; at < rowPlan.segments.length; at++) text += `,${write(rowPlan, at, row, work)}`;
    return text;
  };
  let text = `${head}"vectors":[`;
  let separator = '';
  const add = (row: string): void => {
    text += separator + row;
    separator = ',';
  };
  return {
    error: (problem) => add(`{"error":${JSON.stringify(problem)}}`),
    withheld(status, asOfMs, extras) {
      const all = (each: string): string => selection.names.map(() => each).join(',');
      let row = `{"values":[${all('null')}]`;
      if (include.status) row += `,"status":[${all(`"${status}"`)}]`;
      if (include.eventTime) row += `,"event_time":[${all('null')}]`;
      add(`${row}${fieldsText(withheldIssues(selection, status), asOfMs, answerAsOfMs, extras)}}`);
    },
    row(row, extras) {
      prepare(plan, rowPlan, request, row, work);
      let made = `{"values":[${joined(row, valueText)}]`;
      if (include.status) made += `,"status":[${joined(row, statusText)}]`;
      if (include.eventTime) made += `,"event_time":[${joined(row, eventTimeText)}]`;
      add(`${made}${fieldsText(issuesText(rowPlan, row, work), row.asOfMs, answerAsOfMs, extras)}}`);
    },
    text: () => `${text}]}`,
  };
}

function createColumns(
  plan: ServicePlan,
  request: VectorsRequest,
  answerAsOfMs: number | null,
  head: string,
): AnswerWriter {
  const { selection, include } = request;
  const rowPlan = selection.columns;
  const work = createWorkspace(plan.slotCount);
  const values = createTable(selection);
  const statuses = include.status ? createTable(selection) : null;
  const eventTimes = include.eventTime ? createTable(selection) : null;
  const rows: string[] = [];
  const addFields = (issues: string, asOfMs: number | null, extras: RowExtras): void => {
    rows.push(`{${fieldsText(issues, asOfMs, answerAsOfMs, extras).slice(1)}}`);
  };
  return {
    error(problem) {
      for (const table of [values, statuses, eventTimes]) table?.add(() => 'null');
      rows.push(`{"error":${JSON.stringify(problem)}}`);
    },
    withheld(status, asOfMs, extras) {
      values.add(() => 'null');
      statuses?.add(() => `"${status}"`);
      eventTimes?.add(() => 'null');
      addFields(withheldIssues(selection, status), asOfMs, extras);
    },
    row(row, extras) {
      prepare(plan, rowPlan, request, row, work);
      values.add((at) => valueText(rowPlan, at, row, work));
      statuses?.add((at) => statusText(rowPlan, at, row, work));
      eventTimes?.add((at) => eventTimeText(rowPlan, at, row, work));
      addFields(issuesText(rowPlan, row, work), row.asOfMs, extras);
    },
    text() {
      let text = `${head}"columns":${values.text()}`;
      if (statuses !== null) text += `,"status":${statuses.text()}`;
      if (eventTimes !== null) text += `,"event_time":${eventTimes.text()}`;
      return `${text},"rows":[${rows.join(',')}]}`;
    },
  };
}

/** One array a feature. */
function createTable({ names }: Selection): { add(cell: (at: number) => string): void; text(): string } {
  const columns = names.map(() => '');
  let separator = '';
  return {
    add(cell) {
      for (let at = 0; at < columns.length; at++) columns[at] += separator + cell(at);
      separator = ',';
    },
    text: () => `{${columns.map((cells, at) => `${JSON.stringify(names[at])}:[${cells}]`).join(',')}}`,
  };
}

/** Derived features, into `work`. */
function prepare(
  plan: ServicePlan,
  rowPlan: RowPlan,
  { include }: VectorsRequest,
  row: WrittenRow,
  work: Workspace,
): void {
  if (rowPlan.derived.length === 0) return;
  fillRequest(work, row.request, plan.asOfSlot, row.asOfMs);
  fillDerived(rowPlan, row, work);
  if (include.eventTime) fillEventTimes(rowPlan, work);
}

/** What a row says of itself beside what aligns with `features`: each field after a comma. */
function fieldsText(issues: string, asOfMs: number | null, answerAsOfMs: number | null, extras: RowExtras): string {
  let text = issues === '' ? '' : `,"issues":{${issues}}`;
  if (asOfMs !== answerAsOfMs) text += `,"as_of":${timestampText(asOfMs)}`;
  if (extras.receipt !== null) text += `,"receipt":"${extras.receipt}"`;
  if (extras.explain !== null) text += `,"explain":${JSON.stringify(extras.explain)}`;
  return text;
}

function withheldIssues({ names }: Selection, status: Status): string {
  return names.map((name) => `${JSON.stringify(name)}:"${status}"`).join(',');
}
