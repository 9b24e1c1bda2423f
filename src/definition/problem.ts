/**
 * What is wrong with definitions, as data: every problem of every file is collected, none is thrown. A problem says
 * where it is (file, line, column, path), what was expected, what was found, and what was probably meant.
 */

export type ProblemCode =
  | 'bad_yaml'
  | 'duplicate_key'
  | 'unknown_key'
  | 'missing_key'
  | 'wrong_type'
  | 'bad_value'
  | 'not_supported'
  | 'duplicate_name'
  | 'name_clash'
  | 'reserved_name'
  | 'unknown_reference'
  | 'type_mismatch'
  | 'bad_expression'
  | 'bad_parameter'
  | 'bad_window'
  | 'cycle'
  | 'mixed_clocks'
  | 'over_limit';

export interface DefinitionProblem {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** `views[0].features[2].of`; empty for the file as a whole. */
  readonly path: string;
  readonly code: ProblemCode;
  /** A sentence without its full stop. */
  readonly message: string;
  readonly expected: string | null;
  readonly found: string | null;
  /** What to write instead, or what to do. */
  readonly suggestion: string | null;
}

/** The optional parts of a problem, as those who report one give them. */
export interface ProblemDetails {
  readonly expected?: string | null | undefined;
  readonly found?: string | null | undefined;
  readonly suggestion?: string | null | undefined;
}

/** Keys and indices that lead from the root of a file to a node. */
export type Path = readonly (string | number)[];

/** `['views', 0, 'features']` → `views[0].features`. */
export function formatPath(path: Path): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else text += text === '' ? part : `.${part}`;
  }
  return text;
}

/** `definitions/flights.yaml:12:7 views[0].features[2].of: …, expected …, found …; did you mean …?` */
export function formatProblem(problem: DefinitionProblem): string {
  const path = problem.path === '' ? '' : ` ${problem.path}`;
  const expected = problem.expected === null ? '' : `, expected ${problem.expected}`;
  const found = problem.found === null ? '' : `, found ${problem.found}`;
  const suggestion = problem.suggestion === null ? '' : `; try ${problem.suggestion}`;
  return `${problem.file}:${problem.line}:${problem.column}${path}: ${problem.message}${expected}${found}${suggestion}`;
}

/** Any YAML value in few words, for `found`. */
export function describeFound(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object') return 'a mapping';
  const text = typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? 'nothing');
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

/** Problems in the order of files, lines and columns; the same problem at one place only once. */
export function sortProblems(
  problems: readonly DefinitionProblem[],
  fileOrder: readonly string[],
): readonly DefinitionProblem[] {
  const rank = new Map(fileOrder.map((file, index) => [file, index]));
  const distinct = new Map(problems.map((problem) => [JSON.stringify(problem), problem]));
  return [...distinct.values()].sort(
    (a, b) =>
      (rank.get(a.file) ?? 0) - (rank.get(b.file) ?? 0) ||
      a.line - b.line ||
      a.column - b.column ||
      (a.path < b.path ? -1 : a.path > b.path ? 1 : 0),
  );
}
