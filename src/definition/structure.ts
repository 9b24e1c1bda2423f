/**
 * The shape of a file against the schema: every deviation becomes a problem with its place, what was expected and
 * found, and what was probably meant. Also tells which nodes are broken, so that later checks skip exactly those.
 */
import { Ajv } from 'ajv';
import type { ErrorObject } from 'ajv';
import { nearestName } from '../core/suggest.ts';
import type { ParsedFile, PlaceTarget } from './parse.ts';
import { describeFound, formatPath } from './problem.ts';
import type { DefinitionProblem, Path, ProblemCode } from './problem.ts';
import { DEFINITIONS_SCHEMA } from './schema.ts';

const validate = new Ajv({
  allErrors: true,
  verbose: true,
  strict: true,
  allowUnionTypes: true,
  keywords: ['markdownDescription'],
}).compile(DEFINITIONS_SCHEMA);

export interface StructureReport {
  readonly problems: readonly DefinitionProblem[];
  /** Paths (`formatPath`) of the nodes that have not the shape they should; not their ancestors. */
  readonly broken: ReadonlySet<string>;
}

interface Finding {
  readonly path: Path;
  readonly target: PlaceTarget;
  readonly code: ProblemCode;
  readonly message: string;
  readonly expected: string | null;
  readonly found: string | null;
  readonly suggestion: string | null;
  /** For `missing_key`: its name; for `unknown_key`: the key that was probably meant. */
  readonly key: string | null;
}

export function checkStructure(file: ParsedFile): StructureReport {
  if (file.value === undefined || validate(file.value)) return { problems: [], broken: new Set() };
  const findings = withoutEchoes((validate.errors ?? []).map((error) => findingOf(error, file.value)));
  const problems = findings.map(({ path, target, key: _key, ...rest }) => ({
    file: file.path,
    ...file.locate(path, target),
    path: formatPath(path),
    ...rest,
  }));
  return { problems, broken: new Set(findings.map((finding) => formatPath(finding.path))) };
}

/** Drops what only repeats another finding: wrappers, and the missing key whose misspelling was found. */
function withoutEchoes(findings: readonly (Finding | null)[]): readonly Finding[] {
  const real = findings.filter((finding) => finding !== null);
  const misspelt = new Set(
    real.filter((f) => f.code === 'unknown_key').map((f) => formatPath([...f.path.slice(0, -1), f.key ?? ''])),
  );
  const kept = new Map<string, Finding>();
  for (const finding of real) {
    const at = formatPath(finding.path);
    if (finding.code === 'missing_key' && misspelt.has(at)) continue;
    // One problem a node: the first speaks of its type, later ones of what a wrong type implies.
    if (!kept.has(at)) kept.set(at, finding);
  }
  return [...kept.values()];
}

function findingOf(error: ErrorObject, root: unknown): Finding | null {
  if (error.keyword === 'if' || error.keyword === 'propertyNames') return null;
  const path = pathOf(error.instancePath, root);
  if (error.keyword === 'additionalProperties') return unknownKey(error, path);
  if (error.keyword === 'required') return missingKey(error, path);
  if (error.propertyName !== undefined) return badKey(error, path);
  return badValue(error, path);
}

function unknownKey(error: ErrorObject, path: Path): Finding {
  const key = String(error.params['additionalProperty']);
  const known = Object.keys((error.parentSchema?.['properties'] ?? {}) as object);
  const meant = nearestName(key, known);
  return {
    path: [...path, key],
    target: 'key',
    code: 'unknown_key',
    message: key === '<<' ? 'merge keys are not supported; write the keys out' : 'unknown key',
    expected: `one of ${known.join(', ')}`,
    found: describeFound(key),
    suggestion: meant,
    key: meant,
  };
}

function missingKey(error: ErrorObject, path: Path): Finding {
  const key = String(error.params['missingProperty']);
  const schema = (error.parentSchema?.['properties'] as Record<string, { description?: string }> | undefined)?.[key];
  return {
    path: [...path, key],
    target: 'value',
    code: 'missing_key',
    message: `${JSON.stringify(key)} is missing`,
    expected: schema?.description ?? null,
    found: 'nothing',
    suggestion: null,
    key,
  };
}

function badKey(error: ErrorObject, path: Path): Finding {
  const key = error.propertyName ?? '';
  return {
    path: [...path, key],
    target: 'key',
    code: 'bad_value',
    message: 'the key cannot be a name here',
    expected: descriptionOf(error),
    found: describeFound(key),
    suggestion: nameLike(key),
    key: null,
  };
}

function badValue(error: ErrorObject, path: Path): Finding {
  const wrongType = error.keyword === 'type';
  const expected = descriptionOf(error) ?? error.message ?? null;
  return {
    path,
    target: 'value',
    code: wrongType ? 'wrong_type' : error.keyword.startsWith('max') ? 'over_limit' : 'bad_value',
    message: wrongType ? 'wrong type of value' : messageOfKeyword(error),
    expected: error.keyword === 'enum' ? `one of ${allowedOf(error).join(', ')}` : expected,
    found: describeFound(error.data),
    suggestion: suggestionFor(error),
    key: null,
  };
}

function messageOfKeyword(error: ErrorObject): string {
  const { keyword, params } = error;
  if (keyword === 'minItems' || keyword === 'minProperties') return 'it must not be empty';
  if (keyword.startsWith('max')) return `it must not exceed ${String(params['limit'])}`;
  if (keyword.startsWith('min')) return `it must be at least ${String(params['limit'])}`;
  return 'not an allowed value';
}

const allowedOf = (error: ErrorObject): readonly string[] => error.params['allowedValues'] as readonly string[];

function descriptionOf(error: ErrorObject): string | null {
  const description: unknown = error.parentSchema?.['description'];
  return typeof description === 'string' ? description : null;
}

function suggestionFor(error: ErrorObject): string | null {
  const found: unknown = error.data;
  if (error.keyword === 'enum') return typeof found === 'string' ? nearestName(found, allowedOf(error)) : null;
  if (error.keyword === 'type' && error.params['type'] === 'string') {
    const scalar = typeof found === 'number' || typeof found === 'boolean';
    return scalar ? `quotes around it: ${JSON.stringify(String(found))}` : null;
  }
  if (error.keyword === 'type' && error.params['type'] === 'array') return 'a list: [ … ]';
  const described = descriptionOf(error) ?? '';
  if (typeof found !== 'string') return null;
  if (described.startsWith('a name')) return nameLike(found);
  if (described.startsWith('a type')) return typeLike(found);
  if (described.startsWith('a duration')) return durationLike(found);
  return null;
}

/** `My-Feature` → `my_feature`; null if nothing of a name is left. */
function nameLike(text: string): string | null {
  const words = text
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '');
  const name = words
    .join('_')
    .replace(/^[0-9_]+/, '')
    .slice(0, 63);
  return name === '' ? null : name;
}

const TYPE_SYNONYMS: Readonly<Record<string, string>> = {
  integer: 'int',
  long: 'int64',
  bigint: 'int64',
  float: 'double',
  number: 'double',
  decimal: 'double',
  boolean: 'bool',
  text: 'string',
  str: 'string',
  varchar: 'string',
  datetime: 'timestamp',
  date: 'timestamp',
};

function typeLike(text: string): string | null {
  const word = /^[a-z0-9_]+/i.exec(text)?.[0] ?? '';
  const name =
    TYPE_SYNONYMS[word.toLowerCase()] ?? nearestName(word, ['string', 'bool', 'int', 'int64', 'double', 'timestamp']);
  return name === null ? null : `${name}${text.slice(word.length)}`;
}

const UNIT_SYNONYMS: readonly (readonly [RegExp, string])[] = [
  [/^(ms|millis|milliseconds?)$/, 'ms'],
  [/^(s|secs?|seconds?)$/, 's'],
  [/^(m|mins?|minutes?)$/, 'm'],
  [/^(h|hrs?|hours?)$/, 'h'],
  [/^(d|days?)$/, 'd'],
];

/** `15 minutes` → `15m`, `1w` → `7d`; null if it is not clear. */
function durationLike(text: string): string | null {
  const match = /^0*(\d{1,9})\s*([a-z]+)$/.exec(text.trim().toLowerCase());
  if (match === null) return null;
  const [, count = '', word = ''] = match;
  if (/^w(eeks?)?$/.test(word)) return `${Number(count) * 7}d`;
  const unit = UNIT_SYNONYMS.find(([pattern]) => pattern.test(word));
  return unit === undefined ? null : `${count}${unit[1]}`;
}

/** A JSON pointer → keys and indices, numbers only where the data has a list. */
function pathOf(pointer: string, root: unknown): Path {
  if (pointer === '') return [];
  let value: unknown = root;
  return pointer
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((part) => {
      const step = Array.isArray(value) ? Number(part) : part;
      value = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[part] : undefined;
      return step;
    });
}
