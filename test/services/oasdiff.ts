/**
 * oasdiff, which tells breaking changes of an OpenAPI document: from the path, or built by Go from its module, once, into a cache. A
 * build from the module proxy is checked against Go's checksum database.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { isInstalled } from './child.ts';

const VERSION = '1.37.0';
const FOLDER = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'skewless-test', `oasdiff-${VERSION}`);
const CACHED = join(FOLDER, 'oasdiff');
const BUILD_MS = 900_000;

/** What is missing to have it, or null; builds it where it is not there yet, which takes a minute or two. */
export function whyNoOasdiff(): string | null {
  if (existsSync(CACHED) || isInstalled('oasdiff')) return null;
  if (!isInstalled('go')) return 'there is neither oasdiff nor Go to build it (Debian: golang-go)';
  return build();
}

/** The program; `whyNoOasdiff` has answered null. */
export function oasdiff(): string {
  return existsSync(CACHED) ? CACHED : 'oasdiff';
}

function build(): string | null {
  process.stderr.write(`building oasdiff ${VERSION} with Go, once; it takes a minute or two\n`);
  mkdirSync(dirname(FOLDER), { recursive: true });
  // Beside the cache, then renamed into it: a build that is killed leaves nothing that looks like a program.
  const building = mkdtempSync(`${FOLDER}-`);
  try {
    const { status, stderr } = spawnSync('go', ['install', `github.com/oasdiff/oasdiff@v${VERSION}`], {
      env: { ...process.env, GOBIN: building, GOFLAGS: '-buildvcs=false' },
      encoding: 'utf8',
      timeout: BUILD_MS,
    });
    if (status !== 0) return `Go did not build oasdiff: ${stderr.trim().split('\n').slice(-3).join('; ')}`;
    if (!existsSync(FOLDER)) renameSync(building, FOLDER);
    return null;
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
}
