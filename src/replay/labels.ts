/**
 * The labels as one table with numbered rows, whatever file they come in. Columns of Parquet keep their types. Text has none:
 * a column of JSON lines or CSV is what all its values are (bool, integer, number), else text; one that the service declares
 * a string stays one. Integers keep their digits: where they do not all fit 64 bits they are text.
 */
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { parse } from 'csv-parse';
import { fileLiteral, identifier, literal } from '../core/duckdb.ts';
import { SkewlessError, messageOf } from '../core/errors.ts';
import { type ValueType, formatType } from '../core/value.ts';
import type { RequestColumn } from '../definition/definition.ts';
import { type Duck, writeParquet } from './duck.ts';

export const ROW = '__skewless_row';
export const TIMESTAMP = 'timestamp';

export interface LabelColumn {
  readonly name: string;
  /** SQL type. */
  readonly type: string;
}

export interface Labels {
  readonly columns: readonly LabelColumn[];
  readonly rows: number;
  /** What texts of keys and inputs are: themselves, or what a cell of CSV says. */
  readonly texts: 'values' | 'cells';
  /** Columns that hold JSON, as text: of lines that say several kinds of things, arrays and objects. */
  readonly json: readonly string[];
}

type Format = 'parquet' | 'csv' | 'jsonl';

/** Writes the labels to `path`. Throws `labels_invalid` for columns that do not fit the service, `file_unreadable`. */
export async function stageLabels(
  duck: Duck,
  labelsPath: string,
  path: string,
  requested: readonly RequestColumn[],
): Promise<Labels> {
  const format = labelsFormat(labelsPath);
  const kinds = new Map(requested.map(({ name, type }) => [name, type.kind]));
  try {
    const { query, json } = await QUERIES[format](duck, labelsPath, kinds);
    const columns = await duck.columns(query);
    checkColumns(labelsPath, columns, requested);
    await writeParquet(duck, `SELECT row_number() OVER () - 1 AS ${identifier(ROW)}, * FROM (${query})`, path, {
      compression: 'snappy',
    });
    const [counted] = await duck.rows(`SELECT count(*) FROM read_parquet(${fileLiteral(path)})`);
    return { columns, rows: Number(counted?.[0]), texts: format === 'csv' ? 'cells' : 'values', json };
  } catch (error) {
    if (error instanceof SkewlessError && error.code !== 'output_unwritable') throw error;
    throw new SkewlessError('file_unreadable', `${labelsPath}: ${messageOf(error)}`, { cause: error });
  } finally {
    await duck.run('DROP TABLE IF EXISTS label_text');
  }
}

/** By the name's ending. Throws `file_unreadable` for any other. */
export function labelsFormat(path: string): Format {
  if (/\.parquet$/i.test(path)) return 'parquet';
  if (/\.csv(\.gz)?$/i.test(path)) return 'csv';
  if (/\.(jsonl|ndjson)(\.gz)?$/i.test(path)) return 'jsonl';
  const message = `${path}: labels are .parquet, .csv or .jsonl files (the last two also with .gz)`;
  throw new SkewlessError('file_unreadable', message);
}

interface LabelQuery {
  readonly query: string;
  /** Names of columns that hold JSON. */
  readonly json: readonly string[];
}

/** What the service declares columns to be, by name. */
type Kinds = ReadonlyMap<string, ValueType['kind']>;

const QUERIES: Readonly<Record<Format, (duck: Duck, path: string, kinds: Kinds) => Promise<LabelQuery>>> = {
  parquet: (_duck, path) =>
    Promise.resolve({
      query: `SELECT * FROM read_parquet(${fileLiteral(path)}, hive_partitioning = false)`,
      json: [],
    }),
  csv: queryCsv,
  jsonl: queryJsonLines,
};

/** Only a row that is cut short or too long, or a quote gone astray, is an error here. */
async function queryCsv(duck: Duck, path: string, kinds: Kinds): Promise<LabelQuery> {
  const names = await headerOf(path);
  checkHeader(path, names);
  const columns = names.map((name) => `${literal(name)}: 'VARCHAR'`).join(', ');
  await duck.run(
    `CREATE TABLE label_text AS SELECT * FROM read_csv(${fileLiteral(path)}, columns = {${columns}}, auto_detect = false,
      header = true, delim = ',', quote = '"', escape = '"', allow_quoted_nulls = false, max_line_size = 4194304)`,
  );
  const selected: string[] = [];
  for (const name of names) {
    const column = identifier(name);
    const type = await typeOfText(duck, column, kinds.get(name));
    selected.push(`CAST(${column} AS ${type}) AS ${column}`);
  }
  return { query: `SELECT ${selected.join(', ')} FROM label_text`, json: [] };
}

async function headerOf(path: string): Promise<readonly string[]> {
  const file = createReadStream(path);
  const bytes = /\.gz$/i.test(path) ? pipeline(file, createGunzip(), () => {}) : file;
  const rows: AsyncIterable<unknown> = pipeline(bytes, parse({ to: 1, bom: true }), () => {});
  for await (const row of rows) return row as string[];
  throw new SkewlessError('file_unreadable', `${path}: it has no header`);
}

/** A column is found by its name, whatever the case of its letters. */
function checkHeader(path: string, names: readonly string[]): void {
  const nameless = names.flatMap((name, index) => (name === '' ? [index + 1] : []));
  if (nameless.length > 0) {
    const which =
      nameless.length === 1 ? `column ${nameless[0]} has no name` : `columns ${list(nameless)} have no names`;
    const mend = 'name it in the header, or leave it out (the index that pandas writes: to_csv(…, index=False))';
    throw new SkewlessError('labels_invalid', `${path}: ${which}; ${mend}`);
  }
  const places = Map.groupBy(names.keys(), (index) =>
    (names[index] as string).replace(/[A-Z]/g, (letter) => letter.toLowerCase()),
  );
  for (const same of places.values()) {
    if (same.length === 1) continue;
    const which = list(same.map((index) => `${index + 1} (${names[index]})`));
    throw new SkewlessError(
      'labels_invalid',
      `${path}: columns ${which} have one name, for the case of letters does not count; rename all but one`,
    );
  }
}

function list(some: readonly unknown[]): string {
  return [some.slice(0, -1).join(', '), some.at(-1)].join(' and ');
}

/**
 * An integer with a leading zero or a plus is a code of some kind, and text. A number is what loses digits of a long integer:
 * it is only what the service declares to be one, or a column in which some number is no integer.
 */
async function typeOfText(duck: Duck, column: string, kind: ValueType['kind'] | undefined): Promise<string> {
  if (kind === 'string') return 'VARCHAR';
  const all = (pattern: string): string =>
    `coalesce(bool_and(regexp_full_match(${column}, ${literal(pattern)})), false)`;
  const [found] = await duck.rows(
    `SELECT ${all('true|false')}, ${all('-?(0|[1-9]\\d*)')},
      bool_and(try_cast(${column} AS BIGINT) IS NOT NULL OR ${column} IS NULL), bool_or(starts_with(${column}, '+')), ${all('[-+]?((0|[1-9]\\d*)(\\.\\d*)?|\\.\\d+)([eE][-+]?\\d+)?')} AND
      bool_and(try_cast(${column} AS DOUBLE) IS NOT NULL OR ${column} IS NULL) FROM label_text`,
  );
  const [isBool, isInteger, fits, hasPlus, isNumber] = (found ?? []).map((each) => each === true);
  if (isBool) return 'BOOLEAN';
  if (isInteger && fits) return 'BIGINT';
  const isDeclared = kind === 'double' || kind === 'int';
  return isNumber && kind !== 'int64' && (isDeclared || !(isInteger || hasPlus)) ? 'DOUBLE' : 'VARCHAR';
}

async function queryJsonLines(duck: Duck, path: string, kinds: Kinds): Promise<LabelQuery> {
  await duck.run(
    `CREATE TABLE label_text AS SELECT json FROM read_json(${fileLiteral(path)}, format = 'newline_delimited',
      records = false, columns = {json: 'JSON'}, maximum_object_size = 4194304)`,
  );
  const others = await duck.rows(`SELECT count(*) FROM label_text WHERE json_type(json) <> 'OBJECT'`);
  if (Number(others[0]?.[0]) > 0) throw new SkewlessError('file_unreadable', `${path}: a line is no JSON object`);
  const names = await duck.rows(
    `SELECT name FROM (SELECT unnest(keys) AS name, generate_subscripts(keys, 1) AS place, line FROM
      (SELECT json_keys(json) AS keys, row_number() OVER () AS line FROM label_text))
      GROUP BY name ORDER BY min((line, place))`,
  );
  const members: { readonly name: string; readonly sql: string | null }[] = [];
  for (const [each] of names) {
    const name = String(each);
    members.push({ name, sql: await memberOf(duck, name, kinds.get(name)) });
  }
  if (members.length === 0) throw new SkewlessError('file_unreadable', `${path}: it has no columns`);
  const selected = members.map(({ name, sql }) => {
    // A text that says null has quotes.
    return `${sql ?? `nullif(CAST(json_extract(json, ${pointerTo(name)}) AS VARCHAR), 'null')`} AS ${identifier(name)}`;
  });
  const json = members.filter(({ sql }) => sql === null).map(({ name }) => name);
  return { query: `SELECT ${selected.join(', ')} FROM label_text`, json };
}

function pointerTo(name: string): string {
  return literal(`/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`);
}

/** The SQL of its values; null: they are of no one type that a column can have. */
async function memberOf(duck: Duck, name: string, kind: ValueType['kind'] | undefined): Promise<string | null> {
  const pointer = pointerTo(name);
  const found = await duck.rows(`SELECT DISTINCT json_type(json, ${pointer}) FROM label_text`);
  const types = new Set(found.map(([type]) => String(type)).filter((type) => type !== 'null' && type !== 'NULL'));
  const isAmong = (...some: readonly string[]): boolean =>
    types.size > 0 && [...types].every((type) => some.includes(type));
  const text = `json_extract_string(json, ${pointer})`;
  if (isAmong('BOOLEAN')) return `CAST(${text} AS BOOLEAN)`;
  if (isAmong('BIGINT', 'UBIGINT', 'DOUBLE')) {
    // Beyond 64 bits an integer counts as a DOUBLE.
    const [found] = await duck.rows(
      `SELECT bool_and(regexp_full_match(${text}, '-?\\d+')), bool_and(try_cast(${text} AS BIGINT) IS NOT NULL OR ${text} IS NULL)
        FROM label_text`,
    );
    const [areIntegers, fit] = found ?? [];
    if (areIntegers === true && fit === true) return `CAST(${text} AS BIGINT)`;
    return areIntegers === true && kind !== 'double' ? text : `CAST(${text} AS DOUBLE)`;
  }
  return isAmong('VARCHAR') ? text : null;
}

function checkColumns(path: string, columns: readonly LabelColumn[], requested: readonly RequestColumn[]): void {
  const names = columns.map(({ name }) => name);
  const missing = requested
    .filter(({ name, nullable }) => !nullable && !names.includes(name))
    .map(({ name, kind, type }) => `${name} (${kind === 'key' ? 'entity key' : 'request input'}, ${formatType(type)})`);
  if (!names.includes(TIMESTAMP)) missing.unshift(`${TIMESTAMP} (the as_of of each row)`);
  if (missing.length > 0) {
    throw new SkewlessError(
      'labels_invalid',
      `${path}: no column for ${missing.join(', ')}; there are: ${names.join(', ')}`,
    );
  }
  if (names.includes(ROW))
    throw new SkewlessError('labels_invalid', `${path}: ${ROW} is a name of ours; rename the column`);
}
