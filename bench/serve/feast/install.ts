/** Feast in a virtual environment of its own, made once and kept in a cache. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { isInstalled } from '../../../test/services/child.ts';

export const FEAST_VERSION = '0.67.0';
const CACHE = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'skewless-bench');
const ENVIRONMENT = join(CACHE, `feast-${FEAST_VERSION}`);
/** Written last: an environment without it was not finished. */
const DONE = join(ENVIRONMENT, 'installed');
const INSTALL_MS = 900_000;

/** The folder of its programs. Throws where there is no Python with venv, or its packages cannot be had. */
export function installFeast(say: (text: string) => void): string {
  const bin = join(ENVIRONMENT, 'bin');
  if (existsSync(DONE)) return bin;
  if (!isInstalled('python3'))
    throw new Error('there is no python3 to run Feast (Debian: python3-venv); leave it out with --only');
  say(`installing feast[redis]==${FEAST_VERSION} …`);
  rmSync(ENVIRONMENT, { recursive: true, force: true });
  mkdirSync(CACHE, { recursive: true });
  run('python3', '-m', 'venv', ENVIRONMENT);
  run(join(bin, 'pip'), 'install', '--quiet', `feast[redis]==${FEAST_VERSION}`);
  writeFileSync(DONE, '');
  return bin;
}

/** What decides how fast it is, as `name version`, by pip. */
export function feastVersions(bin: string): readonly string[] {
  const installed = run(join(bin, 'pip'), 'list', '--format=freeze').split('\n');
  const python = run(join(bin, 'python'), '--version').trim();
  const deciding = /^(feast|fastapi|gunicorn|hiredis|httptools|protobuf|pydantic|redis|uvicorn|uvloop)==/;
  return [python, ...installed.filter((line) => deciding.test(line)).map((line) => line.replace('==', ' '))];
}

function run(program: string, ...args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', timeout: INSTALL_MS });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? stderr}`);
  return stdout;
}
