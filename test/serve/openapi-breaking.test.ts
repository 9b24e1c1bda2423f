/** Clients of the released API go on working: the committed document is compared with the one of the last release, by oasdiff. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { describeWith } from '../services/available.ts';
import { oasdiff } from '../services/oasdiff.ts';

const FOLDER = join(import.meta.dirname, '../../openapi');
const RELEASED = join(FOLDER, 'released.json');

interface Document {
  readonly paths: Record<string, Record<string, { requestBody?: unknown; responses: Record<string, unknown> }>>;
}

function changesIn(file: string): { readonly status: number | null; readonly text: string } {
  const args = ['breaking', RELEASED, file, '--fail-on', 'WARN', '--color', 'never'];
  const { status, stdout, stderr } = spawnSync(oasdiff(), args, { encoding: 'utf8', timeout: 60_000 });
  return { status, text: stdout + stderr };
}

describeWith(['oasdiff'], 'changes of the API since its last release', () => {
  test('none of them breaks a client (a release copies the document to openapi/released.json)', () => {
    const { status, text } = changesIn(join(FOLDER, 'openapi.json'));
    expect(status, text).toBe(0);
  });

  test('what would break one is noticed', () => {
    const folder = mkdtempSync(join(tmpdir(), 'skewless-breaking-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, 'openapi.json');
    const broken = (edit: (paths: Document['paths']) => void): string => {
      const document = JSON.parse(readFileSync(RELEASED, 'utf8')) as Document;
      edit(document.paths);
      writeFileSync(file, JSON.stringify(document));
      const { status, text } = changesIn(file);
      expect(status, text).toBe(1);
      return text;
    };
    expect(broken((paths) => delete paths['/livez'])).toContain('GET /livez');
    const vectors = '/v1/feature-services/{service}/vectors';
    expect(
      broken((paths) => {
        const body = paths[vectors]?.['post']?.requestBody as {
          content: Record<string, { schema: { required: string[] } }>;
        };
        body.content['application/json']?.schema.required.push('as_of');
      }),
    ).toContain('`as_of` became required');
    expect(broken((paths) => delete paths[vectors]?.['post']?.responses['200'])).toContain(`POST ${vectors}`);
  });
});
