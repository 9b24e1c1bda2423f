/** From a table's columns to records: which field each column is, and where it goes. */
import { define } from '../core/duckdb.ts';
import { SkewlessError } from '../core/errors.ts';
import { formatType } from '../core/value.ts';
import type { SourceDefinition, SourceField } from '../definition/definition.ts';

export interface FileColumn {
  readonly name: string;
  /** Null: the source declares no field of that name; the column is carried along. */
  readonly field: SourceField | null;
  /** Keys that lead to the value in the record, outermost first. */
  readonly path: readonly string[];
}

/** Throws `file_unreadable` for columns from which no record of the source can come; `where` names the file. */
export function columnsOf(names: readonly string[], source: SourceDefinition, where: string): readonly FileColumn[] {
  const columns = names.map((name): FileColumn => {
    const field = source.fields.find((each) => each.name === name) ?? null;
    return { name, field, path: field?.path ?? [name] };
  });
  for (const [index, column] of columns.entries()) {
    const rival = columns.slice(0, index).find((other) => overlap(other.path, column.path));
    if (rival === undefined) continue;
    const problem = rival.name === column.name ? 'there are two' : `it and "${rival.name}" would fill the same place`;
    throw new SkewlessError('file_unreadable', `${where}: column "${column.name}": ${problem}`);
  }
  const missing = source.fields.filter(
    (field) => !field.nullable && !columns.some(({ path }) => overlap(path, field.path)),
  );
  if (missing.length > 0) {
    const wanted = missing.map(({ name, type }) => `${name} (${formatType(type)})`).join(', ');
    throw new SkewlessError(
      'file_unreadable',
      `${where}: no column for ${wanted}; there are: ${names.join(', ') || 'none'}`,
    );
  }
  return columns;
}

/** Whether one path is the other's or leads to it. */
function overlap(one: readonly string[], other: readonly string[]): boolean {
  return one.slice(0, other.length).every((key, index) => key === other[index]);
}

/** `value` at the end of `path`; no two paths of a record overlap. */
export function place(record: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let inner = record;
  for (const key of path.slice(0, -1)) {
    if (!Object.hasOwn(inner, key)) define(inner, key, {});
    inner = inner[key] as Record<string, unknown>;
  }
  define(inner, path.at(-1) as string, value);
}
