/**
 * The answer in Feast's form: a column for each key and input, then one for each feature, with statuses and event times.
 * Statuses that Feast does not name are put as ones that it does, and said as they are in `issues`, which the SDK ignores.
 */
import { assert } from '../../../core/assert.ts';
import { eventTimeText, statusText, valueText } from '../../../vector/row-text.ts';
import type { ServicePlan } from '../../../vector/service.ts';
import type { VectorsRequest } from '../vectors/request.ts';
import { type AnswerWriter, type createAnswer, prepare } from '../vectors/response.ts';

export interface FeastShape {
  /** Of the features, aligned with those of the service. */
  readonly names: readonly string[];
  /** Columns of the request, in its order. */
  readonly entities: readonly string[];
  readonly withVersions: boolean;
}

const EPOCH = '"1970-01-01T00:00:00Z"';
const PRESENT = '"PRESENT"';
const NULL_VALUE = '"NULL_VALUE"';
/** Named as here. */
const NAMED = new Set([PRESENT, NULL_VALUE, '"NOT_FOUND"', '"OUTSIDE_MAX_AGE"']);
/** Of values that are served, if there is one. */
const SERVED = new Set([PRESENT, '"STALE"', '"INCOMPLETE"']);

/** What the SDK is told: it reads a status that it does not know as `INVALID`. */
function shownStatus(status: string, value: string): string {
  if (SERVED.has(status)) return value === 'null' ? NULL_VALUE : PRESENT;
  return NAMED.has(status) ? status : NULL_VALUE;
}

/** As protobuf writes it: without a fraction that is 0. */
function shownTime(text: string): string {
  if (text === 'null') return EPOCH;
  return text.endsWith('.000Z"') ? `${text.slice(0, -6)}Z"` : text;
}

interface Column {
  add(value: string, status: string, eventTime: string): void;
  text(): string;
}

function createColumn(): Column {
  let [values, statuses, times, issues] = ['', '', '', ''];
  let isFirst = true;
  let hasIssues = false;
  return {
    add(value, status, eventTime) {
      const separator = isFirst ? '' : ',';
      const isIssue = !NAMED.has(status);
      isFirst = false;
      hasIssues ||= isIssue;
      values += separator + value;
      statuses += separator + shownStatus(status, value);
      times += separator + shownTime(eventTime);
      issues += separator + (isIssue ? status : 'null');
    },
    text() {
      const more = hasIssues ? `,"issues":[${issues}]` : '';
      return `{"values":[${values}],"statuses":[${statuses}],"event_timestamps":[${times}]${more}}`;
    },
  };
}

/** For requests in the layout of columns, with statuses and event times, all of whose rows are sound. */
export function feastWriter(shape: FeastShape): typeof createAnswer {
  return (plan, request) => {
    const { columns: rowPlan } = request.selection;
    const { work } = plan;
    const features = shape.names.map(createColumn);
    return {
      error() {
        assert(false, 'an answer of columns has no place for a row that is wrong');
      },
      withheld(status) {
        for (const feature of features) feature.add('null', `"${status}"`, 'null');
      },
      row(row) {
        prepare(plan, rowPlan, request, row);
        for (let at = 0; at < features.length; at++) {
          const feature = features[at] as Column;
          feature.add(
            valueText(rowPlan, at, row, work),
            statusText(rowPlan, at, row, work),
            eventTimeText(rowPlan, at, row, work),
          );
        }
      },
      end: () => ({ text: answerText(shape, plan, request, features), isAscii: false }),
    } satisfies AnswerWriter;
  };
}

function answerText(
  shape: FeastShape,
  plan: ServicePlan,
  request: VectorsRequest,
  features: readonly Column[],
): string {
  const { requestColumns, appearances } = plan.definition;
  // Keys stand before inputs.
  const said = (kind: 'key' | 'input'): readonly string[] =>
    shape.entities.filter((name) => requestColumns.some((column) => column.kind === kind && column.name === name));
  const entities = [...said('key'), ...said('input')];
  const columns = [...entities.map((name) => entityColumn(plan, request, name)), ...features];
  const versions = [...new Set(appearances.map(({ view }) => view))].map(({ name, version }) => ({ name, version }));
  const metadata = {
    feature_names: [...entities, ...shape.names],
    ...(shape.withVersions ? { feature_view_metadata: versions } : {}),
  };
  return `{"metadata":${JSON.stringify(metadata)},"results":[${columns.map((column) => column.text()).join(',')}]}`;
}

function entityColumn({ definition, columnWriters }: ServicePlan, { rows }: VectorsRequest, name: string): Column {
  const slot = definition.requestColumns.findIndex((column) => column.name === name);
  const column = createColumn();
  for (const row of rows) {
    if (row.ok) column.add(columnWriters[slot]?.write(row.values[slot] ?? null) ?? 'null', PRESENT, 'null');
  }
  return column;
}
