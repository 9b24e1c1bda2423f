/** The linter of `npm run check` can fail: it is shown documents that lack what it asks for. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const TEXT = readFileSync(join(ROOT, 'openapi/openapi.json'), 'utf8');

function rulesBroken(document: string): readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), 'skewless-lint-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'openapi.json');
  writeFileSync(file, document);
  const { status, stdout } = spawnSync('npx', ['redocly', 'lint', '--format', 'json', file], {
    cwd: ROOT,
    encoding: 'utf8',
    timeout: 60_000,
  });
  const { problems } = JSON.parse(stdout) as { problems: readonly { ruleId: string }[] };
  expect(status).toBe(problems.length > 0 ? 1 : 0);
  return [...new Set(problems.map(({ ruleId }) => ruleId))];
}

test('the committed document breaks no rule', () => {
  expect(rulesBroken(TEXT)).toEqual([]);
});

test('an operation without a description, and an example that its schema does not allow, are refused', () => {
  const document = JSON.parse(TEXT) as {
    paths: Record<string, Record<string, { description?: string; responses: Record<string, { content: object }> }>>;
  };
  const livez = document.paths['/livez']?.['get'];
  if (livez === undefined) throw new Error('no /livez');
  delete livez.description;
  const content = livez.responses['200']?.content as Record<string, { example: unknown }>;
  content['application/json'] = { ...content['application/json'], example: { status: 1 } };
  expect(rulesBroken(JSON.stringify(document)).toSorted()).toEqual([
    'no-invalid-media-type-examples',
    'operation-description',
  ]);
});
