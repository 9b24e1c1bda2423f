/** Labels, row by row, as requests: what serving would be asked for the same row, at the row's time. */
import type { DuckDBValue } from '@duckdb/node-api';
import { assert } from '../core/assert.ts';
import { createTimestampMs, fileLiteral, identifier } from '../core/duckdb.ts';
import { TIMESTAMP_MS_MAX, parseTimestampMs } from '../core/time.ts';
import type { Value, ValueType } from '../core/value.ts';
import type { RequestColumn } from '../definition/definition.ts';
import { encodeEntityKey, isEntityKeyTooLong } from '../event/entity-key.ts';
import { jsonFromText } from '../event/text-value.ts';
import { EvaluationError } from '../expression/evaluation-error.ts';
import { murmur2 } from '../log/partitioner.ts';
import { expressionRow } from '../vector/assemble.ts';
import type { ServicePlan } from '../vector/service.ts';
import type { Duck } from './duck.ts';
import { type Labels, ROW, TIMESTAMP } from './labels.ts';
import type { TrainAppearance } from './train-plan.ts';

export interface LabelRow {
  /** From 0. */
  readonly row: number;
  /** Aligned with the service's request columns. */
  readonly request: readonly Value[];
  readonly asOfMs: number;
}

export interface LabelProblem {
  readonly row: number;
  readonly message: string;
}

/** The labels in order, some at a time, without those that are not in the sample. */
export async function* readLabelRows(
  duck: Duck,
  path: string,
  labels: Labels,
  { parseRow, definition }: ServicePlan,
  sample: number,
): AsyncGenerator<readonly (LabelRow | LabelProblem)[]> {
  const timestampMs = createTimestampMs(duck.duckdb);
  const present = definition.requestColumns.filter(({ name }) => labels.columns.some((column) => column.name === name));
  const readTime = textReader(labels, TIMESTAMP, { kind: 'timestamp' });
  const readers = present.map(({ name, type }) => textReader(labels, name, type));
  const columns = [`${identifier(ROW)}::DOUBLE`, ...[TIMESTAMP, ...present.map(({ name }) => name)].map(identifier)];
  // DuckDB keeps the order of a file's rows.
  const query = `SELECT ${columns.join(', ')} FROM read_parquet(${fileLiteral(path)})`;
  let next = 0;
  for await (const chunk of duck.chunks(query)) {
    const numbers = chunk.doubles(0);
    const [exactMs, times, timesJson] = [chunk.timestamps(1), chunk.reader(1), chunk.json(1)];
    const timeOf = (at: number): unknown => readTime(timesJson(at));
    const cells = present.map((_column, index) => chunk.json(index + 2));
    const rows: (LabelRow | LabelProblem)[] = [];
    for (let at = 0; at < chunk.rows; at++) {
      const row = numbers[at] as number;
      assert(row === next++, 'labels come in order');
      const request: Record<string, unknown> = {};
      for (let index = 0; index < present.length; index++) {
        const { name } = present[index] as RequestColumn;
        request[name] = (readers[index] as TextReader)((cells[index] as CellJson)(at));
      }
      if (sample < 1 && !isSampled([timeOf(at), request], sample)) continue;
      const ms = exactMs?.(at) ?? Number.NaN;
      const asOfMs = Number.isNaN(ms) ? (timeFrom(timestampMs, times(at)) ?? asOfFrom(timeOf(at))) : ms;
      if (asOfMs === null) {
        const message = `${TIMESTAMP}: expected RFC 3339 with an offset, a timestamp, or integer milliseconds; found ${describe(timeOf(at))}`;
        rows.push({ row, message });
        continue;
      }
      const parsed = parseRow(request);
      if (parsed.ok) rows.push({ row, request: parsed.values, asOfMs });
      else rows.push({ row, message: parsed.problems.map(({ message }) => message).join('; ') });
    }
    yield rows;
  }
}

type CellJson = (row: number) => unknown;
type TextReader = (json: unknown) => unknown;

/** What a text of this column says; what is no text is what it is. */
function textReader({ json: columns, texts }: Labels, name: string, type: ValueType): TextReader {
  const isJson = columns.includes(name);
  if (!isJson && texts === 'values') return (json) => json;
  return (json) => {
    if (typeof json !== 'string') return json;
    return isJson ? (JSON.parse(json) as unknown) : jsonFromText(json, type);
  };
}

export function isProblem(row: LabelRow | LabelProblem): row is LabelProblem {
  return 'message' in row;
}

const TEXT_ENCODER = new TextEncoder();

/** By what the row asks, so that neither its place nor the other rows matter. */
function isSampled(asked: unknown, sample: number): boolean {
  return (murmur2(TEXT_ENCODER.encode(JSON.stringify(asked))) >>> 0) / 2 ** 32 < sample;
}

function timeFrom(timestampMs: ReturnType<typeof createTimestampMs>, cell: DuckDBValue): number | null {
  return typeof cell === 'object' && cell !== null ? timestampMs(cell) : null;
}

function asOfFrom(json: unknown): number | null {
  const ms = typeof json === 'string' ? parseTimestampMs(json) : json;
  return typeof ms === 'number' && Number.isInteger(ms) && Math.abs(ms) <= TIMESTAMP_MS_MAX ? ms : null;
}

function describe(json: unknown): string {
  return typeof json === 'string' ? 'another text' : json === null ? 'null' : `a ${typeof json}`;
}

/** What one appearance of a view reads for a row: its entity; null: one that no event can have; or a key that failed. */
export type Wanted = { readonly entity: string | null; readonly keys: readonly Value[] } | 'error';

export function wantedEntity(plan: ServicePlan, appearance: TrainAppearance, { request, asOfMs }: LabelRow): Wanted {
  return wantedOf(appearance, expressionRow(plan, request, asOfMs));
}

/** The same, of the row as expressions see it (`expressionRow`). */
export function wantedOf({ keys: expressions, textOf }: TrainAppearance, row: readonly Value[]): Wanted {
  try {
    const keys = expressions.map((expression) => expression.evaluate(row));
    const entity = keys.includes(null) ? null : keys.length === 1 ? textOf(keys[0] ?? null) : encodeEntityKey(keys);
    return { entity: entity !== null && isEntityKeyTooLong(entity) ? null : entity, keys };
  } catch (error) {
    if (error instanceof EvaluationError) return 'error';
    throw error;
  }
}
