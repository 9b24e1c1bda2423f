/**
 * Vectors as somebody saved them: answers of the vectors endpoint in either layout, lines of them, objects of a receipt and its
 * values, or receipts alone.
 */
import type { Served } from '../replay/verify-check.ts';
import { parseReceipt } from '../vector/receipt.ts';

/** One vector of the input. */
export type Saved =
  /** `where`: for people: `answer 2, vector 3`. */
  { readonly where: string; readonly served: Served } | { readonly where: string; readonly problem: string };

type Fields = Readonly<Record<string, unknown>>;

/** In the order of the text; vectors that are an `error` have nothing to check, and are left out. */
export function parseSaved(text: string): readonly Saved[] {
  const whole = parseJson(text);
  if (whole !== undefined) return savedOf(whole, 'the input');
  return text.split('\n').flatMap((line, index) => {
    const trimmed = line.trim();
    if (trimmed === '') return [];
    const where = `line ${index + 1}`;
    const json = /^[{["]/.test(trimmed) ? parseJson(trimmed) : trimmed;
    return json === undefined ? [{ where, problem: 'it is neither JSON nor a receipt' }] : savedOf(json, where);
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function savedOf(json: unknown, where: string): readonly Saved[] {
  if (typeof json === 'string') return [oneOf({ receipt: json }, null, where)];
  if (Array.isArray(json)) return json.flatMap((each, index) => savedOf(each, `${where}, item ${index + 1}`));
  if (!isFields(json)) return [{ where, problem: 'it holds no receipt' }];
  const { vectors, columns, receipts } = json;
  if (Array.isArray(vectors))
    return vectors.flatMap((each, index) => vectorOf(each, json, `${where}, vector ${index + 1}`));
  if (isFields(columns)) return columnsOf(json, columns, where);
  if (Array.isArray(receipts))
    return receipts.flatMap((each, index) => savedOf(each, `${where}, receipt ${index + 1}`));
  return vectorOf(json, json, where);
}

function vectorOf(vector: unknown, { features }: Fields, where: string): readonly Saved[] {
  if (!isFields(vector)) return [{ where, problem: 'it is not an object with a receipt and values' }];
  if (vector['error'] !== undefined && vector['receipt'] === undefined) return [];
  return [oneOf(vector, vector['features'] ?? features, where)];
}

/** `layout: columns`: what belongs to rows is in `rows`, and values are by feature. */
function columnsOf({ rows, status, features }: Fields, columns: Fields, where: string): readonly Saved[] {
  if (!Array.isArray(rows)) return [{ where, problem: 'it has columns, and no rows with receipts' }];
  const names = Object.keys(columns);
  return rows.flatMap((row: unknown, index) => {
    const at = (table: unknown): unknown[] =>
      names.map((name) => ((isFields(table) ? table[name] : null) as unknown[] | null)?.[index] ?? null);
    const vector = {
      ...(isFields(row) ? row : {}),
      values: at(columns),
      ...(isFields(status) ? { status: at(status) } : {}),
    };
    return vectorOf(vector, { features: features ?? names }, `${where}, row ${index + 1}`);
  });
}

/** `issues` that a vector with values does not have are known to be none. */
function oneOf({ receipt, values, status, issues }: Fields, features: unknown, where: string): Saved {
  if (typeof receipt !== 'string') {
    return { where, problem: 'it has no receipt; ask for vectors with "include": ["receipt"]' };
  }
  const parsed = parseReceipt(receipt);
  if (!parsed.ok) return { where, problem: `its receipt is none: ${parsed.problem}` };
  const served = {
    receipt: parsed.receipt,
    values: Array.isArray(values) ? (values as readonly unknown[]) : null,
    features: isTexts(features) ? features : null,
    statuses: isTexts(status) ? status : null,
    issues: isFields(issues) ? (issues as Readonly<Record<string, string>>) : Array.isArray(values) ? {} : null,
  };
  return { where, served };
}

function isFields(json: unknown): json is Fields {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

function isTexts(json: unknown): json is readonly string[] {
  return Array.isArray(json) && json.every((each) => typeof each === 'string');
}
