/**
 * Images cannot be pulled where the tests run, so what is tested here is each step of the Dockerfile in an empty folder, by
 * the shell and Node of this machine: what it copies is enough to install and to run, also where nothing can be written.
 */
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { run } from '../cli/run.ts';

const ROOT = join(import.meta.dirname, '../..');
const DOCKERFILE = readFileSync(join(ROOT, 'Dockerfile'), 'utf8').replaceAll('\\\n', ' ');

interface Step {
  readonly instruction: string;
  readonly rest: string;
}

/** The stages, in order. */
function stages(): readonly (readonly Step[])[] {
  const found: Step[][] = [];
  for (const line of DOCKERFILE.split('\n')) {
    const [, instruction, rest] = /^([A-Z]+)\s+(.*)$/.exec(line.trim()) ?? [];
    if (instruction === undefined || rest === undefined) continue;
    if (instruction === 'FROM') found.push([]);
    found.at(-1)?.push({ instruction, rest });
  }
  return found;
}

/** Runs the steps of a stage in a folder that stands for `/app`. */
function build(steps: readonly Step[], folder: string, before: string | null): void {
  for (const { instruction, rest } of steps) {
    if (instruction === 'RUN') execFileSync('sh', ['-ec', rest], { cwd: folder, stdio: 'ignore' });
    if (instruction !== 'COPY') continue;
    const fromStage = /^--from=dependencies \/app\/(\S+) \.\/(\S+)$/.exec(rest);
    if (fromStage !== null) {
      cpSync(join(before ?? '', fromStage[1] ?? ''), join(folder, fromStage[2] ?? ''), {
        recursive: true,
        verbatimSymlinks: true,
      });
      continue;
    }
    const names = rest.split(/\s+/);
    const target = names.pop() ?? '';
    for (const name of names) {
      const to = target === './' ? join(folder, name) : join(folder, target);
      cpSync(join(ROOT, name), to, { recursive: true });
    }
  }
}

test('what the Dockerfile copies and installs is enough to run, and to answer a health check', async () => {
  const [dependencies = [], image = []] = stages();
  const [first, second] = [0, 1].map(() => mkdtempSync(join(tmpdir(), 'skewless-image-'))) as [string, string];
  build(dependencies, first, null);
  build(image, second, first);
  expect(existsSync(join(second, 'node_modules/vitest'))).toBe(false);
  expect(existsSync(join(second, 'test'))).toBe(false);
  const version = execFileSync(process.execPath, ['src/main.ts', '--version'], { cwd: second, encoding: 'utf8' });
  expect(version).toMatch(/^\d+\.\d+\.\d+\n$/);
  execFileSync('chmod', ['-R', 'a-w', second]);
  const data = mkdtempSync(join(tmpdir(), 'skewless-data-'));
  const port = '18231';
  const args = [
    'start',
    '--definitions',
    'examples/flights/definitions',
    '--log',
    `sqlite:${data}/log`,
    '--store',
    `sqlite:${data}/store`,
  ];
  const program = spawn(process.execPath, ['src/main.ts', ...args, '--port', port], { cwd: second, stdio: 'ignore' });
  try {
    const health = image.find(({ instruction }) => instruction === 'HEALTHCHECK')?.rest ?? '';
    const command = JSON.parse(health.slice(health.indexOf('['))) as string[];
    const env = { ...process.env, SKEWLESS_PORT: port };
    await expect
      .poll(() => spawnStatus(command[1] === '-e' ? (command[2] ?? '') : '', env), { timeout: 30_000, interval: 200 })
      .toBe(0);
  } finally {
    program.kill('SIGKILL');
    execFileSync('chmod', ['-R', 'u+w', second]);
  }
});

async function spawnStatus(script: string, env: NodeJS.ProcessEnv): Promise<number | null> {
  const check = spawn(process.execPath, ['-e', script], { env, stdio: 'ignore' });
  return new Promise((resolve) => check.once('exit', resolve));
}

test('the image does not run as root, and says what it runs', () => {
  const image = stages().at(-1) ?? [];
  const last = (instruction: string): string | undefined =>
    image.findLast((step) => step.instruction === instruction)?.rest;
  expect(last('USER')).toBe('node');
  expect(last('ENTRYPOINT')).toBe('["node", "src/main.ts"]');
  for (const { instruction, rest } of stages().flat())
    if (instruction === 'FROM') expect(rest).toMatch(/^node:24-\S+-slim/);
});

test('compose.yaml starts the program with flags that there are', async () => {
  const compose = parse(readFileSync(join(ROOT, 'compose.yaml'), 'utf8'), { merge: true }) as {
    services: Record<string, { command?: string[]; image?: string; build?: string; read_only?: boolean }>;
  };
  const ours = Object.values(compose.services).filter(({ build: context }) => context === '.');
  expect(ours.length).toBe(2);
  const help = (await run(['start', '--help'])).stdout;
  for (const { command = [], read_only: readOnly } of ours) {
    expect(readOnly).toBe(true);
    for (const flag of command.filter((word) => word.startsWith('--'))) expect(help).toContain(flag);
  }
});
