/** Runs the program as a user does: plain `node`, its own process, a folder of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const START_LIMIT_MS = 60_000;

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly url: string;
  readonly process: ChildProcess;
  /** Resolves when standard output matches. */
  said(pattern: RegExp): Promise<string>;
  stop(signal?: NodeJS.Signals): Promise<Finished>;
}

export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'skewless-cli-'));
}

export interface Launched {
  readonly process: ChildProcess;
  readonly output: { stdout: string; stderr: string };
  readonly finished: Promise<Finished>;
}

/** Runs a command beside the test. */
export function launch(args: readonly string[], cwd: string, environment: Readonly<Record<string, string>>): Launched {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd,
    env: { PATH: process.env['PATH'] ?? '', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
  const finished = new Promise<Finished>((resolve) => child.once('close', (code) => resolve({ code, ...output })));
  return { process: child, output, finished };
}

/** Runs a command to its end. */
export async function run(
  args: readonly string[],
  cwd = temporaryFolder(),
  environment: Readonly<Record<string, string>> = {},
): Promise<Finished> {
  return launch(args, cwd, environment).finished;
}

/** Starts a server and resolves when it listens. */
export async function start(
  args: readonly string[],
  cwd = temporaryFolder(),
  environment: Readonly<Record<string, string>> = {},
): Promise<Running> {
  const { process: child, output, finished } = launch(['start', '--port', '0', ...args], cwd, environment);
  const said = async (pattern: RegExp): Promise<string> => {
    const until = Date.now() + START_LIMIT_MS;
    for (;;) {
      const match = pattern.exec(output.stdout);
      if (match !== null) return match[1] ?? match[0];
      if (child.exitCode !== null || Date.now() > until)
        throw new Error(`never said ${pattern}: ${output.stdout}\n${output.stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const url = await said(/listens on (\S+)/);
  return {
    url,
    process: child,
    said,
    stop: async (signal = 'SIGTERM') => {
      child.kill(signal);
      return finished;
    },
  };
}
