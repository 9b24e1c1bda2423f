/** What to say of things outside the language, and how to read names and places out of the library's tree. */
import type { Node } from 'libpg-query';
import type { Tree } from './tree.ts';

/** Operators of other languages and of PostgreSQL, and what to write instead. */
const INSTEAD: ReadonlyMap<string, string> = new Map([
  ['==', '='],
  ['&&', 'AND'],
  ['!', 'NOT'],
  ['^', 'power(x, y)'],
  ['**', 'power(x, y)'],
  ['//', 'floor(x / y)'],
  ['@', 'abs(x)'],
  ['|/', 'sqrt(x)'],
  ['~', 'starts_with, ends_with or contains'],
  ['~*', 'starts_with, ends_with or contains'],
]);

export function foreignOf(what: string, start: number, operands: readonly Tree[], suggestion?: string): Tree {
  const message = `${what} is not part of the expression language`;
  return {
    kind: 'foreign',
    problem: suggestion === undefined ? { start, message } : { start, message, suggestion },
    operands,
    start,
  };
}

export function foreignOperator(names: readonly string[], start: number, operands: readonly Tree[]): Tree {
  const name = names.at(-1) ?? '';
  return foreignOf(`the operator ${names.join('.')}`, start, operands, INSTEAD.get(name));
}

/** `[pg_catalog, int4]`; empty for anything that is not names. */
export function namesOf(nodes: readonly Node[] | undefined): string[] {
  return (nodes ?? []).flatMap((node) => ('String' in node ? [node.String.sval ?? ''] : []));
}

/** The place the library gives a node, or else the first of its parts that has one. */
export function locationOf(node: Node): number {
  return searchLocation(node) ?? 0;
}

function searchLocation(part: unknown): number | null {
  if (typeof part !== 'object' || part === null) return null;
  const { location } = part as { readonly location?: unknown };
  if (typeof location === 'number' && location >= 0) return location;
  for (const each of Object.values(part) as unknown[]) {
    const found = searchLocation(each);
    if (found !== null) return found;
  }
  return null;
}

/** The identifier written at `start`, in the case it was written; null for what needs unescaping beyond `""`. */
export function identifierAt(text: string, start: number): string | null {
  const rest = text.slice(start);
  const quoted = /^"((?:[^"]|"")*)"/.exec(rest)?.[1];
  if (quoted !== undefined) return quoted.replaceAll('""', '"');
  if (/^u&["']/i.test(rest)) return null;
  return /^[A-Za-z_\u{80}-\u{10ffff}][A-Za-z0-9_$\u{80}-\u{10ffff}]*/u.exec(rest)?.[0] ?? null;
}
