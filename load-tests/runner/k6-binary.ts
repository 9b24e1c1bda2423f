/**
 * Where k6 is: named by the variable K6, on the path, or built by Go from its module, once, into a cache. Its makers' archives
 * are not fetched: a build from the module proxy is checked against Go's checksum database.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { CannotRun } from './cannot-run.ts';

const VERSION = '1.8.1';
const MODULE = `go.k6.io/k6@v${VERSION}`;
const CACHED = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'skewless', `k6-${VERSION}`, 'k6');
const BUILD_LIMIT_MS = 1_800_000;
const PROGRESS_MS = 15_000;
/** The first that runs TypeScript without being asked to. */
const MAJOR_MIN = 1;
const HOW =
  'install k6 (https://grafana.com/docs/k6/latest/set-up/install-k6/), or Go 1.25 or later (https://go.dev/dl/), with which it is built here once';

/** What is missing to have a k6, or null; a build by Go may still be to come. */
export function whyNoK6(): string | null {
  if (process.env['K6'] !== undefined || existsSync(CACHED)) return null;
  return versionOf('k6') !== null || hasGo() ? null : `there is neither k6 nor Go: ${HOW}`;
}

/** The program. Builds it where there is none, which takes minutes, and tells `say` how far that is. Throws `CannotRun`. */
export async function findK6(say: (line: string) => void): Promise<string> {
  const named = process.env['K6'];
  if (named !== undefined) {
    requireVersion(named, 'K6 names');
    return named;
  }
  if (existsSync(CACHED)) return CACHED;
  if (versionOf('k6') !== null) {
    requireVersion('k6', 'the path has');
    return 'k6';
  }
  if (!hasGo()) throw new CannotRun(`there is neither k6 nor Go: ${HOW}`);
  await buildK6(say);
  return CACHED;
}

function hasGo(): boolean {
  return spawnSync('go', ['version']).status === 0;
}

/** Such as `1.8.1`; null where it cannot be run. */
function versionOf(program: string): string | null {
  const { status, stdout } = spawnSync(program, ['version'], { encoding: 'utf8' });
  return status === 0 ? (/v(\d+\.\d+\.\d+)/.exec(stdout)?.[1] ?? null) : null;
}

function requireVersion(program: string, how: string): void {
  const version = versionOf(program);
  if (version === null) throw new CannotRun(`${how} ${program}, which is no k6 that can be run`);
  if (Number(version.split('.')[0]) < MAJOR_MIN) {
    throw new CannotRun(`${how} k6 ${version}, which cannot run these scripts: ${MAJOR_MIN}.0.0 is the first that can`);
  }
}

async function buildK6(say: (line: string) => void): Promise<void> {
  const folder = dirname(CACHED);
  mkdirSync(dirname(folder), { recursive: true });
  // Beside the cache, then renamed into it: a build that is killed leaves nothing that looks like a k6.
  const building = mkdtempSync(`${folder}-`);
  const startedMs = Date.now();
  say(`building k6 ${VERSION} with Go, once; it takes some minutes`);
  try {
    const child = spawn('go', ['install', '-v', MODULE], {
      env: { ...process.env, GOBIN: building, GOFLAGS: '-buildvcs=false' },
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: BUILD_LIMIT_MS,
    });
    const lines: string[] = [];
    createInterface({ input: child.stderr }).on('line', (line) => lines.push(line));
    const seconds = (): number => Math.round((Date.now() - startedMs) / 1e3);
    const progress = setInterval(
      () => say(`building k6: ${seconds()} s, ${lines.length} packages compiled`),
      PROGRESS_MS,
    );
    const [code] = (await once(child, 'close')) as [number | null];
    clearInterval(progress);
    if (code !== 0) throw new CannotRun(`Go did not build k6: ${lines.slice(-5).join('\n')}\nInstead, ${HOW}`);
    say(`built k6 in ${seconds()} s`);
    try {
      renameSync(building, folder);
    } catch (error) {
      // Somebody else was sooner.
      if (!existsSync(CACHED)) throw error;
    }
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
}
