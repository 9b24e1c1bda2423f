/**
 * A node of a definitions file: its value with where it stands, and the way to report what is wrong with it. Reading
 * through cursors is what lets every check go on past another's problem: a broken node is `null` (reported already),
 * a node that is not there is `undefined`.
 */
import type { ParsedFile, PlaceTarget } from './parse.ts';
import { formatPath } from './problem.ts';
import type { DefinitionProblem, Path, ProblemCode, ProblemDetails } from './problem.ts';

/** A file being read: its nodes, which of them are broken, and the list that problems go to. */
export interface ReadFile {
  readonly parsed: ParsedFile;
  readonly broken: ReadonlySet<string>;
  readonly problems: DefinitionProblem[];
}

export interface Cursor {
  readonly file: ReadFile;
  readonly path: Path;
  readonly value: unknown;
}

/** Absent: `undefined`. Broken, reported already: `null`. */
export type MaybeCursor = Cursor | null | undefined;

export function rootOf(file: ReadFile): Cursor {
  return { file, path: [], value: file.parsed.value };
}

export function child(cursor: Cursor, key: string): MaybeCursor {
  const path = [...cursor.path, key];
  if (cursor.file.broken.has(formatPath(path))) return null;
  if (!isMapping(cursor.value) || !Object.hasOwn(cursor.value, key)) return undefined;
  return { file: cursor.file, path, value: cursor.value[key] };
}

/** The entries of a mapping in written order, broken ones left out. */
export function entries(cursor: MaybeCursor): readonly (readonly [string, Cursor])[] {
  if (!cursor || !isMapping(cursor.value)) return [];
  return Object.keys(cursor.value)
    .map((key) => [key, child(cursor, key)] as const)
    .filter((entry): entry is readonly [string, Cursor] => Boolean(entry[1]));
}

/** The items of a list, broken ones left out. */
export function items(cursor: MaybeCursor): readonly Cursor[] {
  if (!cursor || !Array.isArray(cursor.value)) return [];
  return cursor.value
    .map((value: unknown, index) => ({ file: cursor.file, path: [...cursor.path, index], value }))
    .filter((item) => !item.file.broken.has(formatPath(item.path)));
}

/** Whether anything at or below the cursor is broken. */
export function hasBroken(cursor: Cursor): boolean {
  const at = formatPath(cursor.path);
  for (const path of cursor.file.broken) {
    if (path === at || path.startsWith(`${at}.`) || path.startsWith(`${at}[`)) return true;
  }
  return false;
}

/** Whether the node is there and nothing at or below it is broken. */
export function isWhole(cursor: MaybeCursor): boolean {
  return Boolean(cursor) && !hasBroken(cursor as Cursor);
}

export function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function report(
  cursor: Cursor,
  code: ProblemCode,
  message: string,
  details: ProblemDetails = {},
  target: PlaceTarget = 'value',
): void {
  reportAt(cursor, cursor.file.parsed.locate(cursor.path, target), code, message, details);
}

/** Like `report`, at character `start` of the cursor's text. */
export function reportInText(
  cursor: Cursor,
  start: number,
  code: ProblemCode,
  message: string,
  details: ProblemDetails = {},
): void {
  reportAt(cursor, cursor.file.parsed.locateInText(cursor.path, start), code, message, details);
}

function reportAt(
  cursor: Cursor,
  place: { readonly line: number; readonly column: number },
  code: ProblemCode,
  message: string,
  { expected = null, found = null, suggestion = null }: ProblemDetails,
): void {
  const { file, path } = cursor;
  file.problems.push({
    file: file.parsed.path,
    line: place.line,
    column: place.column,
    path: formatPath(path),
    code,
    message,
    expected,
    found,
    suggestion,
  });
}

/** The text at `key`; null where it is absent or broken. */
export function textAt(cursor: Cursor, key: string): string | null {
  const value = child(cursor, key)?.value;
  return typeof value === 'string' ? value : null;
}

/** The number at `key`; `fallback` where it is absent or broken. */
export function numberAt(cursor: Cursor, key: string, fallback: number): number {
  const value = child(cursor, key)?.value;
  return typeof value === 'number' ? value : fallback;
}
