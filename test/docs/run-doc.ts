/** Runs a document's commands as its reader would: in one shell, in the checkout, from the first to the last. */
import { mkdtempSync, readFileSync, readdirSync, symlinkSync, cpSync } from 'node:fs';
import { execFile } from 'node:child_process';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Block, blocksOf } from './blocks.ts';

const ROOT = join(import.meta.dirname, '../..');
const LIMIT_MS = 240_000;
const OUTPUT_MAX = 16_777_216;
/** Printed between blocks, so that what they print can be told apart. */
const MARK = '\u001e';

export interface Printed {
  readonly block: Block;
  readonly output: string;
}

export interface DocOptions {
  /** Copied into the folder where the commands run. */
  readonly files?: string;
  /** What the document calls something → what it is here. */
  readonly places?: Readonly<Record<string, string>>;
  /** What whoever reads it has run before. */
  readonly before?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Commands that end with exit code 1, for they have found something. */
  readonly findings?: readonly string[];
  /** Lines that are not run, and why. */
  readonly except?: Readonly<Record<string, string>>;
}

/** What each block printed. Rejects with what went wrong, and where. */
export async function runDoc(
  file: string,
  { files, before = '', places = {}, environment = {}, findings = [], except = {} }: DocOptions,
): Promise<readonly Printed[]> {
  const blocks = blocksOf(readFileSync(join(ROOT, file), 'utf8'));
  const folder = mkdtempSync(join(tmpdir(), 'skewless-docs-'));
  for (const name of readdirSync(ROOT)) {
    if (!name.startsWith('.')) symlinkSync(join(ROOT, name), join(folder, name));
  }
  if (files !== undefined) cpSync(join(import.meta.dirname, 'files', files), folder, { recursive: true });
  const port = await freePort();
  const here = { '127.0.0.1:8080': `127.0.0.1:${port}`, '--port 8080': `--port ${port}`, ...places };
  const prelude = readFileSync(join(import.meta.dirname, 'prelude.sh'), 'utf8');
  const commands = blocks.map(({ commands }) => replaceAll(finding(without(commands, except), findings), here));
  const script = [
    prelude,
    before,
    ...commands.map((text, index) => `printf '${MARK}'; : block ${index}\n${text}`),
  ].join('\n');
  const variables = {
    ...process.env,
    ...environment,
    NODE: process.execPath,
    MAIN: join(ROOT, 'src/main.ts'),
    PORT: String(port),
  };
  const { failure, stdout, stderr } = await bash(script, folder, variables);
  const outputs = stdout.split(MARK).slice(1);
  if (failure !== null) {
    const at = blocks[Math.max(0, outputs.length - 1)]?.line;
    throw new Error(`${file}:${at}: ${failure}\n${outputs.at(-1) ?? ''}\n${stderr.slice(-4_000)}`);
  }
  return blocks.map((block, index) => ({ block, output: outputs[index] ?? '' }));
}

function without(commands: string, except: Readonly<Record<string, string>>): string {
  return commands
    .split('\n')
    .filter((line) => !Object.keys(except).some((start) => line.startsWith(start)))
    .join('\n');
}

function finding(commands: string, findings: readonly string[]): string {
  return commands
    .split('\n')
    .map((line) =>
      findings.includes(line.split('#')[0]?.trim() ?? '') ? `{ ${line.split('#')[0]} && exit 9; } || [ $? = 1 ]` : line,
    )
    .join('\n');
}

function replaceAll(text: string, places: Readonly<Record<string, string>>): string {
  return Object.entries(places).reduce((all, [said, here]) => all.replaceAll(said, here), text);
}

interface Ended {
  readonly failure: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

function bash(script: string, cwd: string, env: NodeJS.ProcessEnv): Promise<Ended> {
  return new Promise((resolve) => {
    execFile('bash', ['-c', script], { cwd, env, timeout: LIMIT_MS, maxBuffer: OUTPUT_MAX }, (error, stdout, stderr) =>
      resolve({ failure: error === null ? null : `ended with ${error.code ?? error.signal}`, stdout, stderr }),
    );
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
