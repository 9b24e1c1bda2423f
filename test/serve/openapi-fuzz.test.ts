/**
 * Schemathesis, from PyPI, makes requests up from the OpenAPI document, right ones and wrong ones, and holds the answers of a running
 * server against it, with all of its checks.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { describeWith } from '../services/available.ts';
import { SCHEMATHESIS, installPython } from '../services/python.ts';
import { createKeyRing } from '../../src/serve/access/key-ring.ts';
import { keyWith } from './access/fixture.ts';
import { startFlights } from './flights.ts';

const CONFIG = join(import.meta.dirname, 'schemathesis.toml');
const LIMIT_MS = 280_000;

interface Told {
  readonly code: number | null;
  readonly output: string;
}

async function heldAgainst(url: string, key: string, ...args: readonly string[]): Promise<Told> {
  // It leaves what it found in a folder where it runs.
  const cwd = mkdtempSync(join(tmpdir(), 'skewless-fuzz-'));
  onTestFinished(() => rmSync(cwd, { recursive: true, force: true }));
  const program = join(
    installPython(SCHEMATHESIS, () => undefined),
    'schemathesis',
  );
  const child = spawn(program, ['--config-file', CONFIG, 'run', ...args, '--url', url], {
    cwd,
    timeout: LIMIT_MS,
    env: { ...process.env, SKEWLESS_TEST_KEY: key },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (output += text.toString()));
  await once(child, 'close');
  return { code: child.exitCode, output };
}

async function start(): Promise<{ readonly url: string; readonly key: string; readonly document: object }> {
  const key = keyWith(['read:*', 'ingest:*', 'admin']);
  const { app } = await startFlights({ keys: { ring: createKeyRing([key.key]) } });
  await app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = app.server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, key: key.text, document: app.swagger() };
}

describeWith(['schemathesis'], 'the OpenAPI document and the server, held against each other', () => {
  test('whatever is asked, the answer is one that the document tells of', { timeout: LIMIT_MS + 20_000 }, async () => {
    const { url, key } = await start();
    const { code, output } = await heldAgainst(url, key, `${url}/openapi.json`);
    expect(code, output).toBe(0);
  });

  test('a document that tells something else is noticed', async () => {
    const { url, key, document } = await start();
    const folder = mkdtempSync(join(tmpdir(), 'skewless-fuzz-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, 'openapi.json');
    writeFileSync(
      file,
      JSON.stringify(document).replaceAll('"status":{"type":"string"}', '"status":{"type":"integer"}'),
    );
    const { code, output } = await heldAgainst(
      url,
      key,
      file,
      '--include-path',
      '/livez',
      '--phases',
      'examples,coverage',
    );
    expect([code, output]).toEqual([1, expect.stringContaining('Response violates schema')]);
  });
});
