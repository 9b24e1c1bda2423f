/**
 * The answer as JSON text, written row by row. `rows`: one object a row. `columns`: the same transposed, one array a
 * feature, ready for a data frame; what belongs to rows (`issues`, `receipt`, `as_of`, `error`) stays in `rows`.
 */
import type { Status } from '../../../core/status.ts';
import type { Workspace } from '../../../vector/derived.ts';
import { ROW_AFTER, ROW_BEFORE, type ReadyFragment } from '../../../vector/fragment.ts';
import type { RowPlan } from '../../../vector/row-plan.ts';
import {
  type WrittenRow,
  eventTimeText,
  fillDerived,
  fillEventTimes,
  fillRequest,
  isAsciiRow,
  issuesText,
  statusText,
  valueText,
  valuesText,
} from '../../../vector/row-text.ts';
import type { Selection, ServicePlan } from '../../../vector/service.ts';
import { timestampText } from '../../../vector/text.ts';
import type { ProblemItem } from '../../problem.ts';
import type { JsonText } from '../../send.ts';
import type { VectorsRequest } from './request.ts';

/** What a row says of itself, where it was asked to. */
export interface RowExtras {
  /** From the JSON text of the row's values. */
  readonly receipt: ((values: string) => string) | null;
  readonly explain: object | null;
}

export const NO_EXTRAS: RowExtras = Object.freeze({ receipt: null, explain: null });

/** Takes the rows in their order. */
export interface AnswerWriter {
  error(problem: ProblemItem): void;
  /** All values are withheld, for one reason. */
  withheld(status: Status, asOfMs: number | null, extras: RowExtras): void;
  row(row: WrittenRow, extras: RowExtras): void;
  /** The same of a row whose text is ready, at the answer's `as_of`; absent where rows say more, or say it otherwise. */
  readonly ready?: (fragment: ReadyFragment) => void;
  end(): JsonText;
}

/** `asOfMs`: of the request; null when the budget was spent before it could be known. */
export function createAnswer(plan: ServicePlan, request: VectorsRequest, asOfMs: number | null): AnswerWriter {
  const { headText, namesText } = request.selection;
  const head = `${headText}${asOfText(asOfMs)}${namesText}`;
  const create = request.layout === 'columns' ? createColumns : createRows;
  return create(plan, request, asOfMs, head);
}

let latest: { readonly asOfMs: number | null; readonly text: string } = { asOfMs: null, text: timestampText(null) };

/** Many requests come in one millisecond. */
function asOfText(asOfMs: number | null): string {
  if (latest.asOfMs !== asOfMs) latest = { asOfMs, text: timestampText(asOfMs) };
  return latest.text;
}

/** There is no comma. */
const FIRST_BEFORE = ROW_BEFORE.slice(1);

function createRows(
  plan: ServicePlan,
  request: VectorsRequest,
  answerAsOfMs: number | null,
  head: string,
): AnswerWriter {
  const { selection, include } = request;
  const rowPlan = selection.rows;
  const { work } = plan;
  const bare = !include.status && !include.eventTime;
  let text = `${head}"vectors":[`;
  let isFirst = true;
  let isAscii = true;
  const add = (row: string): void => {
    text = isFirst ? text + row : `${text},${row}`;
    isFirst = false;
  };
  return {
    error(problem) {
      add(`{"error":${JSON.stringify(problem)}}`);
      isAscii = false;
    },
    withheld(status, asOfMs, extras) {
      const all = (each: string): string => selection.names.map(() => each).join(',');
      const values = all('null');
      let row = `{"values":[${values}]`;
      if (include.status) row += `,"status":[${all(`"${status}"`)}]`;
      if (include.eventTime) row += `,"event_time":[${all('null')}]`;
      const issues = withheldIssues(selection, status);
      add(`${row}${fieldsText(issues, asOfMs, answerAsOfMs, extras, values)}}`);
      isAscii &&= extras.explain === null;
    },
    row(row, extras) {
      prepare(plan, rowPlan, request, row);
      const values = valuesText(rowPlan, row, work);
      const fields = fieldsText(issuesText(rowPlan, row, work), row.asOfMs, answerAsOfMs, extras, values);
      isAscii &&= isAsciiRow(rowPlan, row) && extras.explain === null;
      if (bare && fields === '') {
        // Most rows. The fewer pieces, the faster they become one text.
        text = `${text}${isFirst ? FIRST_BEFORE : ROW_BEFORE}${values}${ROW_AFTER}`;
        isFirst = false;
        return;
      }
      let made = `{"values":[${values}]`;
      if (include.status) made += `,"status":[${joined(statusText, rowPlan, row, work)}]`;
      if (include.eventTime) made += `,"event_time":[${joined(eventTimeText, rowPlan, row, work)}]`;
      add(`${made}${fields}}`);
    },
    ...(bare && {
      ready(fragment: ReadyFragment) {
        text += isFirst ? fragment.row.slice(1) : fragment.row;
        isFirst = false;
        isAscii &&= fragment.isAscii;
      },
    }),
    end: () => ({ text: `${text}]}`, isAscii }),
  };
}

function joined(write: typeof statusText, plan: RowPlan, row: WrittenRow, work: Workspace): string {
  return plan.segments.map((_, at) => write(plan, at, row, work)).join(',');
}

function createColumns(
  plan: ServicePlan,
  request: VectorsRequest,
  answerAsOfMs: number | null,
  head: string,
): AnswerWriter {
  const { selection, include } = request;
  const rowPlan = selection.columns;
  const { work } = plan;
  const values = createTable(selection);
  const statuses = include.status ? createTable(selection) : null;
  const eventTimes = include.eventTime ? createTable(selection) : null;
  const rows: string[] = [];
  let isAscii = true;
  const addFields = (issues: string, asOfMs: number | null, extras: RowExtras, valuesOf: () => string): void => {
    const rowValues = extras.receipt === null ? '' : valuesOf();
    rows.push(`{${fieldsText(issues, asOfMs, answerAsOfMs, extras, rowValues).slice(1)}}`);
  };
  return {
    error(problem) {
      for (const table of [values, statuses, eventTimes]) table?.add(() => 'null');
      rows.push(`{"error":${JSON.stringify(problem)}}`);
      isAscii = false;
    },
    withheld(status, asOfMs, extras) {
      values.add(() => 'null');
      statuses?.add(() => `"${status}"`);
      eventTimes?.add(() => 'null');
      const nothing = (): string => selection.names.map(() => 'null').join(',');
      addFields(withheldIssues(selection, status), asOfMs, extras, nothing);
      isAscii &&= extras.explain === null;
    },
    row(row, extras) {
      prepare(plan, rowPlan, request, row);
      values.add((at) => valueText(rowPlan, at, row, work));
      statuses?.add((at) => statusText(rowPlan, at, row, work));
      eventTimes?.add((at) => eventTimeText(rowPlan, at, row, work));
      addFields(issuesText(rowPlan, row, work), row.asOfMs, extras, () => valuesText(rowPlan, row, work));
      isAscii &&= isAsciiRow(rowPlan, row) && extras.explain === null;
    },
    end() {
      let text = `${head}"columns":${values.text()}`;
      if (statuses !== null) text += `,"status":${statuses.text()}`;
      if (eventTimes !== null) text += `,"event_time":${eventTimes.text()}`;
      return { text: `${text},"rows":[${rows.join(',')}]}`, isAscii };
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

/** Derived features, into the plan's workspace. */
export function prepare(plan: ServicePlan, rowPlan: RowPlan, { include }: VectorsRequest, row: WrittenRow): void {
  if (rowPlan.derived.length === 0) return;
  const { work } = plan;
  fillRequest(work, row.request, plan.asOfSlot, row.asOfMs);
  fillDerived(rowPlan, row, work);
  if (include.eventTime) fillEventTimes(rowPlan, work);
}

/** What a row says of itself beside what aligns with `features`: each field after a comma. `values`: for its receipt. */
function fieldsText(
  issues: string,
  asOfMs: number | null,
  answerAsOfMs: number | null,
  extras: RowExtras,
  values: string,
): string {
  let text = issues === '' ? '' : `,"issues":{${issues}}`;
  if (asOfMs !== answerAsOfMs) text += `,"as_of":${timestampText(asOfMs)}`;
  if (extras.receipt !== null) text += `,"receipt":"${extras.receipt(`[${values}]`)}"`;
  if (extras.explain !== null) text += `,"explain":${JSON.stringify(extras.explain)}`;
  return text;
}

function withheldIssues({ names }: Selection, status: Status): string {
  return names.map((name) => `${JSON.stringify(name)}:"${status}"`).join(',');
}
