import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { violationsOf } from './rules.ts';

const ROOT = join(import.meta.dirname, '../..');
const sourcesOf = (pattern: string) =>
  globSync(pattern, { cwd: ROOT }).map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));

test('imports point one way and pure folders stay pure, in every source file', () => {
  const files = [...sourcesOf('src/**/*.ts'), ...sourcesOf('test/oracle/**/*.ts')];
  expect(files.length).toBeGreaterThan(20);
  expect(files.flatMap(violationsOf)).toEqual([]);
});

/** A deliberate violation of each rule: proof that the gate can fail. */
const DELIBERATE: readonly [path: string, text: string, complaint: RegExp][] = [
  ['src/core/x.ts', `import { a } from '../state/fold.ts';`, /core must not import state/],
  ['src/state/x.ts', `import type { Store } from '../store/store.ts';`, /state must not import store/],
  ['src/serve/x.ts', `import { m } from '../materialize/materializer.ts';`, /serve must not import materialize/],
  ['src/replay/x.ts', `export { a } from '../serve/app.ts';`, /replay must not import serve/],
  ['src/materialize/x.ts', `const log = await import('../log/sqlite.ts');`, /imports the adapter/],
  ['src/serve/x.ts', `import { openSqliteStore } from '../store/sqlite.ts';`, /imports the adapter/],
  ['src/state/x.ts', `import { readFileSync } from 'node:fs';`, /imports node:fs/],
  ['src/state/x.ts', `const now = Date.now();`, /Date\.now/],
  ['src/serve/x.ts', `const now = Date.now();`, /Date\.now/],
  ['src/vector/x.ts', `const now = new Date();`, /new Date\(\)/],
  ['src/vector/x.ts', `const now = Date();`, /clock with Date\(\)/],
  ['src/aggregate/x.ts', `const seed = Math.random();`, /Math\.random/],
  ['src/event/x.ts', `import { randomUUID } from 'node:crypto';`, /draws randomness/],
  ['src/event/x.ts', `setTimeout(() => {}, 1);`, /the global setTimeout/],
  ['src/serve/x.ts', `const port = process.env['PORT'];`, /process\.env/],
  ['test/oracle/x.ts', `import { fold } from '../../src/state/fold.ts';`, /the thing it judges/],
];

test.for(DELIBERATE)('the gate rejects %s: %s', ([path, text, complaint]) => {
  expect(violationsOf({ path, text }).join('\n')).toMatch(complaint);
});
