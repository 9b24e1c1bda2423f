/** Feast in a virtual environment of its own, the one that tests use as well. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { FEAST, installPython } from '../../../test/services/python.ts';

/** The folder of its programs. Throws where there is no Python with venv, or its packages cannot be had. */
export function installFeast(say: (text: string) => void): string {
  try {
    return installPython(FEAST, say);
  } catch (error) {
    throw new Error('Feast cannot be had here; leave it out with --only', { cause: error });
  }
}

/** What decides how fast it is, as `name version`, by pip. */
export function feastVersions(bin: string): readonly string[] {
  const installed = run(join(bin, 'pip'), 'list', '--format=freeze').split('\n');
  const python = run(join(bin, 'python'), '--version').trim();
  const deciding = /^(feast|fastapi|gunicorn|hiredis|httptools|protobuf|pydantic|redis|uvicorn|uvloop)==/;
  return [python, ...installed.filter((line) => deciding.test(line)).map((line) => line.replace('==', ' '))];
}

function run(program: string, ...args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? stderr}`);
  return stdout;
}
