/**
 * The file of keys: YAML, hashes only. Every problem is told with file, line and column, and none repeats what the file
 * holds there: somebody may have put a key into it.
 */
import { parseTimestampMs } from '../../core/time.ts';
import { type ParsedFile, parseFile } from '../../definition/parse.ts';
import type { Path } from '../../definition/problem.ts';
import { KEY_ID } from './key-text.ts';
import type { ApiKey } from './key-ring.ts';
import { RATE_FORMS, type Rate, parseRate } from './rate.ts';
import { SCOPE_FORMS, type Scope, parseScope } from './scope.ts';

export const KEYS_MAX = 10_000;
const NAME_LENGTH_MAX = 128;
const FIELDS = ['id', 'name', 'sha256', 'scopes', 'created', 'expires', 'rate'];
const SHA256 = /^[0-9a-f]{64}$/;

export type KeyFile =
  | { readonly ok: true; readonly keys: readonly ApiKey[] }
  /** `file:line:column: sentence`, all of them. */
  | { readonly ok: false; readonly problems: readonly string[] };

type Report = (path: Path, message: string) => void;

export function parseKeyFile(path: string, text: string): KeyFile {
  const file = parseFile({ path, text });
  const problems = file.problems.map(({ line, column, code }) => {
    const message = code === 'duplicate_key' ? 'this field appears twice' : 'from here on the file is not YAML';
    return `${path}:${line}:${column}: ${message}`;
  });
  const report: Report = (at, message) => {
    const { line, column } = file.locate(at);
    problems.push(`${path}:${line}:${column}: ${message}`);
  };
  const keys = file.value === undefined ? [] : readKeys(file, report);
  return problems.length === 0 ? { ok: true, keys } : { ok: false, problems: [...new Set(problems)] };
}

function readKeys(file: ParsedFile, report: Report): readonly ApiKey[] {
  const listed = isMapping(file.value) ? file.value['keys'] : undefined;
  if (!isMapping(file.value) || !Array.isArray(listed)) {
    report(['keys'], 'a file of keys holds `keys:` and a list, which may be empty: []');
    return [];
  }
  refuseOthers(file.value, ['keys'], [], report);
  if (listed.length > KEYS_MAX) {
    report(['keys'], `there are ${listed.length} keys, and at most ${KEYS_MAX} are kept`);
    return [];
  }
  const keys: ApiKey[] = [];
  const firstOf = new Map<string, number>();
  for (const [index, entry] of listed.entries()) {
    const key = readKey(entry, ['keys', index], report);
    if (key === null) continue;
    const first = firstOf.get(key.id);
    if (first !== undefined) report(['keys', index, 'id'], `keys[${first}] has this id already`);
    firstOf.set(key.id, first ?? index);
    keys.push(key);
  }
  return keys;
}

/** Null: reported. */
function readKey(entry: unknown, path: Path, report: Report): ApiKey | null {
  if (!isMapping(entry)) {
    report(path, `a key is a mapping of ${FIELDS.join(', ')}`);
    return null;
  }
  refuseOthers(entry, FIELDS, path, report);
  const text = (field: string, pattern: RegExp, expected: string): string | null => {
    const value = entry[field];
    if (typeof value === 'string' && pattern.test(value)) return value;
    report([...path, field], value === undefined ? `${field} is missing` : `${field} must be ${expected}`);
    return null;
  };
  const id = text('id', KEY_ID, '12 hexadecimal digits, in quotes if they are all decimal');
  const name = text('name', new RegExp(`^\\P{C}{1,${NAME_LENGTH_MAX}}$`, 'u'), `1 to ${NAME_LENGTH_MAX} characters`);
  const sha256 = text('sha256', SHA256, 'the SHA-256 of the key, 64 hexadecimal digits: never the key itself');
  const scopes = readScopes(entry['scopes'], [...path, 'scopes'], report);
  const createdMs = readTime(entry, 'created', path, report);
  const expiresMs = readTime(entry, 'expires', path, report);
  const rate = readRate(entry['rate'], [...path, 'rate'], report);
  if (id === null || name === null || sha256 === null) return null;
  return { id, name, sha256, scopes, createdMs, expiresMs, rate };
}

function readScopes(listed: unknown, path: Path, report: Report): readonly Scope[] {
  if (!Array.isArray(listed) || listed.length === 0) {
    report(path, `scopes must be a list of at least one of ${SCOPE_FORMS}`);
    return [];
  }
  return listed.flatMap((text: unknown, index) => {
    const scope = typeof text === 'string' ? parseScope(text) : null;
    if (scope === null) report([...path, index], `not a scope; expected ${SCOPE_FORMS}`);
    return scope ?? [];
  });
}

/** An expiry that cannot be read is a problem, never "does not expire". */
function readTime(entry: Mapping, field: 'created' | 'expires', path: Path, report: Report): number | null {
  const text = entry[field];
  if (text === undefined) return null;
  const ms = typeof text === 'string' ? parseTimestampMs(text) : null;
  if (ms === null) report([...path, field], `${field} must be RFC 3339 with an offset, such as 2026-12-31T00:00:00Z`);
  return ms;
}

function readRate(text: unknown, path: Path, report: Report): Rate | null {
  if (text === undefined) return null;
  const rate = typeof text === 'string' ? parseRate(text) : null;
  if (rate === null) report(path, `rate must be ${RATE_FORMS}`);
  return rate;
}

function refuseOthers(entry: Mapping, known: readonly string[], path: Path, report: Report): void {
  const others = Object.keys(entry).filter((field) => !known.includes(field)).length;
  if (others > 0) report(path, `${others} unknown field${others === 1 ? '' : 's'} here; known: ${known.join(', ')}`);
}

type Mapping = Readonly<Record<string, unknown>>;

function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
