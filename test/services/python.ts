/**
 * Python programs from PyPI, each in a virtual environment of its own that is made once and kept in a cache: for tests, and
 * for the benchmark beside Feast.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { isInstalled } from './child.ts';

export interface PythonEnvironment {
  /** Of its folder in the cache: another version is another name. */
  readonly name: string;
  /** As pip takes them. */
  readonly packages: readonly string[];
}

/** `redis` with its parser in C, for the benchmark. */
export const FEAST_VERSION = '0.67.0';
export const FEAST: PythonEnvironment = {
  name: `feast-${FEAST_VERSION}`,
  packages: [`feast[redis]==${FEAST_VERSION}`],
};

/** The generator of the client in `examples/inference/python`, and what the example imports. */
export const PYTHON_CLIENT: PythonEnvironment = {
  name: 'openapi-python-client-0.29.1',
  packages: ['openapi-python-client==0.29.1', 'numpy'],
};
export const SCHEMATHESIS: PythonEnvironment = { name: 'schemathesis-4.32.5', packages: ['schemathesis==4.32.5'] };

const CACHE = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'skewless-test', 'python');
const INSTALL_MS = 900_000;

/** Why an environment cannot be had here, or null; makes it where there is none, which takes a minute once. */
export function whyNoPython(environment: PythonEnvironment): string | null {
  try {
    installPython(environment, (line) => process.stderr.write(`${line}\n`));
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

/** The folder of its programs. Throws where there is no Python with venv, or its packages cannot be had. */
export function installPython({ name, packages }: PythonEnvironment, say: (text: string) => void): string {
  const kept = join(CACHE, name);
  const bin = join(kept, 'bin');
  if (existsSync(bin)) return bin;
  if (!isInstalled('python3')) throw new Error('there is no python3 (Debian: python3-venv)');
  say(`installing ${packages.join(', ')} into ${kept}, once`);
  mkdirSync(CACHE, { recursive: true });
  const made = mkdtempSync(`${kept}-`);
  try {
    run('python3', '-m', 'venv', made);
    run(join(made, 'bin', 'pip'), 'install', '--quiet', '--disable-pip-version-check', ...packages);
    // Programs name the folder that they were installed into, so that it cannot be renamed; a link to it can be made at once.
    symlinkSync(basename(made), `${made}.link`);
    renameSync(`${made}.link`, kept);
    return bin;
  } catch (error) {
    rmSync(made, { recursive: true, force: true });
    throw error;
  }
}

function run(program: string, ...args: readonly string[]): void {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', timeout: INSTALL_MS });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? `${stdout}${stderr}`.trim()}`);
}
