/**
 * YAML text → plain value, with the place of every node kept. A file with a syntax error yields problems and no value;
 * a duplicate key is a problem, but the rest of its file is still read.
 */
import { isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { Document, Node, Pair, YAMLError } from 'yaml';
import { messageOf } from '../core/errors.ts';
import { formatPath } from './problem.ts';
import type { DefinitionProblem, Path, ProblemCode } from './problem.ts';

const FILE_BYTES_MAX = 4 * 1024 * 1024;
const ALIASES_MAX = 100;
/** One slip can make a parser stumble over everything after it; more than this many syntax errors help nobody. */
const SYNTAX_PROBLEMS_MAX = 20;

export interface DefinitionFile {
  readonly path: string;
  readonly text: string;
}

export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Which part of a mapping's entry a place means. */
export type PlaceTarget = 'key' | 'value';

export interface ParsedFile {
  readonly path: string;
  /** The file's content as plain data; undefined if it could not be read at all. */
  readonly value: unknown;
  readonly problems: readonly DefinitionProblem[];
  /** Where a node is; the nearest ancestor's place for one that does not exist. */
  locate(path: Path, target?: PlaceTarget): Place;
  /** Where character `start` of the string at `path` is; the place of the string if it is folded or has escapes. */
  locateInText(path: Path, start: number): Place;
}

export function parseFile({ path, text }: DefinitionFile): ParsedFile {
  const lines = new LineCounter();
  const problems: DefinitionProblem[] = [];
  const report = (code: ProblemCode, offset: number, message: string): void => {
    const { line, col } = lines.linePos(offset);
    const place = { line: Math.max(1, line), column: Math.max(1, col) };
    problems.push({ file: path, ...place, path: '', code, message, expected: null, found: null, suggestion: null });
  };
  const unread = (): ParsedFile => {
    const start = (): Place => ({ line: 1, column: 1 });
    return { path, value: undefined, problems, locate: start, locateInText: start };
  };
  if (text.length > FILE_BYTES_MAX) {
    report('over_limit', 0, `the file is larger than ${FILE_BYTES_MAX} characters`);
    return unread();
  }
  try {
    const document = parseDocument(text, {
      lineCounter: lines,
      stringKeys: true,
      prettyErrors: false,
      resolveKnownTags: false,
      logLevel: 'error',
    });
    const fatal = reportYamlProblems(document, report);
    if (fatal) return unread();
    const value: unknown = document.toJS({ maxAliasCount: ALIASES_MAX }) ?? {};
    const locator = locatorOf(document, text, lines);
    return { path, value, problems, ...locator };
  } catch (thrown) {
    report('bad_yaml', 0, `the file cannot be read as YAML: ${messageOf(thrown)}`);
    return unread();
  }
}

function yamlProblems(document: Document.Parsed): readonly YAMLError[] {
  return [...document.errors, ...document.warnings];
}

/** Returns whether the document is beyond use. */
function reportYamlProblems(
  document: Document.Parsed,
  report: (code: ProblemCode, offset: number, message: string) => void,
): boolean {
  let fatal = false;
  for (const problem of yamlProblems(document).slice(0, SYNTAX_PROBLEMS_MAX)) {
    if (problem.code === 'DUPLICATE_KEY') {
      report('duplicate_key', problem.pos[0], 'the key appears twice in this mapping; remove one');
    } else {
      fatal = true;
      report('bad_yaml', problem.pos[0], `not YAML: ${problem.message}`);
    }
  }
  return fatal;
}

function locatorOf(
  document: Document.Parsed,
  text: string,
  lines: LineCounter,
): Pick<ParsedFile, 'locate' | 'locateInText'> {
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  return {
    locate: (path, target = 'value') => placeAt(offsetOf(findNode(document, path, target))),
    locateInText: (path, start) => {
      const node = findNode(document, path, 'value');
      const from = offsetOf(node);
      if (!isScalar(node) || typeof node.value !== 'string') return placeAt(from);
      const quote = text[from] === '"' || text[from] === "'" ? 1 : 0;
      const written = text.slice(from + quote, from + quote + node.value.length);
      return placeAt(written === node.value ? from + quote + Math.min(start, node.value.length) : from);
    },
  };
}

function offsetOf(node: Node | null): number {
  return node?.range?.[0] ?? 0;
}

/** The node at `path`, following aliases; the deepest existing ancestor where the path leaves the document. */
function findNode(document: Document.Parsed, path: Path, target: PlaceTarget): Node | null {
  let node: Node | null = document.contents;
  for (const [depth, part] of path.entries()) {
    const inside: Node | null | undefined = isAlias(node) ? node.resolve(document) : node;
    const next = stepInto(inside ?? null, part, target === 'key' && depth === path.length - 1);
    if (next === null) return node;
    node = next;
  }
  return node;
}

function stepInto(node: Node | null, part: string | number, wantsKey: boolean): Node | null {
  if (isSeq(node) && typeof part === 'number') {
    const item = node.items[part];
    return isNode(item) ? item : null;
  }
  if (!isMap(node)) return null;
  // The last of duplicate keys is the one whose value counts.
  const pair = node.items.findLast(
    (candidate: Pair) => isScalar(candidate.key) && candidate.key.value === String(part),
  );
  if (pair === undefined) return null;
  const chosen = wantsKey || pair.value === null ? pair.key : pair.value;
  return isNode(chosen) ? chosen : null;
}

/** `file:line:column path`, to point from one problem to another place. */
export function describePlace(file: ParsedFile, path: Path): string {
  const { line, column } = file.locate(path);
  return `${file.path}:${line}:${column} ${formatPath(path)}`;
}
