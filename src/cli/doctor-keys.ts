/** What `skewless doctor` says of the file of keys. */
import { stat } from 'node:fs/promises';
import { nearestName } from '../core/suggest.ts';
import type { Definitions } from '../definition/definition.ts';
import type { ApiKey } from '../serve/access/key-ring.ts';
import { ALL, type Scope, formatScope } from '../serve/access/scope.ts';
import { type Finding, ok, warn } from './finding.ts';
import { readKeyFile } from './key-file-edit.ts';
import { formatCount } from './text.ts';

const WRITABLE_BY_OTHERS = 0o022;

/** Throws `key_file` with every problem where it is no good. */
export async function examineKeys(file: string, definitions: Definitions, nowMs: number): Promise<readonly Finding[]> {
  const keys = await readKeyFile(file);
  const findings = [ok('keys', `${file}: ${formatCount(keys.length, 'key')}`)];
  const { mode } = await stat(file);
  if ((mode & WRITABLE_BY_OTHERS) !== 0) {
    const message = `${file} can be written by others than its owner, who could add keys of their own`;
    findings.push(warn('keys', message, `chmod go-w ${file}`));
  }
  for (const key of keys) findings.push(...examineKey(key, definitions, nowMs));
  return findings;
}

function examineKey({ id, name, scopes, expiresMs }: ApiKey, definitions: Definitions, nowMs: number): Finding[] {
  const what = `key ${id} (${name})`;
  const expired = expiresMs !== null && expiresMs <= nowMs;
  return [
    ...(expired
      ? [warn(what, 'has expired, and is refused', `make its owner a new one, then skewless keys revoke ${id}`)]
      : []),
    ...scopes.flatMap((scope) => {
      const near = nearestToUnknown(scope, definitions);
      if (near === undefined) return [];
      const mend = near === null ? 'mend the scope, unless it is of something to come' : `did you mean ${near}?`;
      return [warn(what, `${formatScope(scope)} names nothing that is defined`, mend)];
    }),
  ];
}

/** Undefined where the scope names what there is; else the nearest name, or null. */
function nearestToUnknown(scope: Scope, { services, sources }: Definitions): string | null | undefined {
  if (scope.kind === 'admin' || scope.name === ALL) return undefined;
  const named = scope.kind === 'read' ? services : sources;
  const names = new Set([...named.values()].map(({ name }) => name));
  return names.has(scope.name) ? undefined : nearestName(scope.name, names);
}
