/** The clients of `examples/inference`: generated anew, and the examples over them as processes. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { onTestFinished } from 'vitest';
import { npmModules } from '../services/npm-folder.ts';
import { PYTHON_CLIENT, installPython } from '../services/python.ts';

const ROOT = join(import.meta.dirname, '../..');
const INFERENCE = join(ROOT, 'examples/inference');
export const TYPESCRIPT = join(INFERENCE, 'typescript');
const PYTHON = join(INFERENCE, 'python');
const STEP_MS = 60_000;

/** By committed path; what there is beside them in `python/skewless_client` is too much. */
export function generateClients(): ReadonlyMap<string, string> {
  const folder = temporaryFolder();
  const document = join(folder, 'openapi.json');
  const config = join(INFERENCE, 'redocly.yaml');
  run(ROOT, join(ROOT, 'node_modules/.bin/redocly'), 'bundle', 'inference', '--config', config, '-o', document);
  const types = join(folder, 'skewless.ts');
  run(folder, process.execPath, join(npmModules(TYPESCRIPT), 'openapi-typescript/bin/cli.js'), document, '-o', types);
  const generated = join(folder, 'skewless_client');
  const args = ['generate', '--path', document, '--meta', 'none', '--output-path', generated];
  run(folder, join(pythonBin(), 'openapi-python-client'), ...args);
  return new Map([
    [join(TYPESCRIPT, 'skewless.ts'), readFileSync(types, 'utf8')],
    ...pythonFiles(generated).map(
      (path) => [join(PYTHON, 'skewless_client', path), readFileSync(join(generated, path), 'utf8')] as const,
    ),
  ]);
}

/** Of the committed client. */
export function committedPython(): readonly string[] {
  return pythonFiles(join(PYTHON, 'skewless_client')).map((path) => join(PYTHON, 'skewless_client', path));
}

function pythonFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.py'))
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .toSorted();
}

export interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** `score` of either language, against a server. */
export function score(language: 'typescript' | 'python', url: string, timeoutMs: number, key = ''): Promise<Ended> {
  const env = { ...process.env, ...(key === '' ? {} : { SKEWLESS_KEY: key }) };
  if (language === 'python') {
    return end(join(pythonBin(), 'python'), [join(PYTHON, 'score.py'), url, String(timeoutMs)], {
      ...env,
      PYTHONDONTWRITEBYTECODE: '1',
    });
  }
  return end(process.execPath, [join(typescriptCopy(), 'score.ts'), url, String(timeoutMs)], env);
}

/** What the compiler of the example says of it; empty: nothing. */
export function checkTypescript(): string {
  const folder = typescriptCopy();
  const { stdout } = spawnSync(process.execPath, [join(npmModules(TYPESCRIPT), 'typescript/bin/tsc')], {
    cwd: folder,
    encoding: 'utf8',
    timeout: STEP_MS,
  });
  return stdout;
}

/** With its packages, which the repository does not hold. */
function typescriptCopy(): string {
  const folder = join(temporaryFolder(), 'typescript');
  mkdirSync(folder);
  cpSync(TYPESCRIPT, folder, { recursive: true, filter: (path) => !path.includes('node_modules') });
  symlinkSync(npmModules(TYPESCRIPT), join(folder, 'node_modules'));
  return folder;
}

async function end(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Ended> {
  const child = spawn(program, args, { env, timeout: STEP_MS });
  let [output, errors] = ['', ''];
  child.stdout.on('data', (text: Buffer) => (output += text.toString()));
  child.stderr.on('data', (text: Buffer) => (errors += text.toString()));
  await once(child, 'close');
  return { code: child.exitCode, output, errors };
}

function pythonBin(): string {
  return installPython(PYTHON_CLIENT, () => undefined);
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'skewless-inference-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function run(cwd: string, program: string, ...args: readonly string[]): void {
  // The generator for Python formats by a program beside it.
  const env = { ...process.env, PATH: `${pythonBin()}:${process.env['PATH'] ?? ''}` };
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, env, encoding: 'utf8', timeout: STEP_MS });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stdout}${stderr}`);
}
