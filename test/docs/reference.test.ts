/** The reference is what the schemas say. `npm run reference` writes it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { apiPage, type Document } from './reference/api-page.ts';
import { definitionsPage } from './reference/definitions-page.ts';

const ROOT = join(import.meta.dirname, '../..');

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(join(ROOT, path), 'utf8'));
}

test('the reference of definitions is what their schema says', async () => {
  const page = definitionsPage(readJson('schema/definitions.schema.json') as Parameters<typeof definitionsPage>[0]);
  await expect(page).toMatchFileSnapshot('../../docs/reference/definitions.md');
});

test('the reference of the API is what its document says', async () => {
  const page = apiPage(readJson('openapi/openapi.json') as Document);
  await expect(page).toMatchFileSnapshot('../../docs/reference/api.md');
});
