/** Packages of a folder with a lock file of its own, installed once into a cache. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const CACHE = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'skewless-test', 'npm');
const INSTALL_MS = 300_000;

/** Why they cannot be had, or null; installs them where they are not there yet. */
export function whyNoNpmFolder(folder: string): string | null {
  const kept = cachedFolder(folder);
  if (existsSync(kept)) return null;
  mkdirSync(CACHE, { recursive: true });
  const made = mkdtempSync(`${kept}-`);
  try {
    for (const file of ['package.json', 'package-lock.json']) copyFileSync(join(folder, file), join(made, file));
    const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund'];
    const { status, stderr } = spawnSync('npm', args, { cwd: made, encoding: 'utf8', timeout: INSTALL_MS });
    if (status !== 0)
      return `npm did not install what ${folder} needs: ${stderr.trim().split('\n').slice(0, 3).join('; ')}`;
    if (!existsSync(kept)) renameSync(made, kept);
    return null;
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}

/** Its `node_modules`; `whyNoNpmFolder` has answered null. */
export function npmModules(folder: string): string {
  return join(cachedFolder(folder), 'node_modules');
}

function cachedFolder(folder: string): string {
  const lock = readFileSync(join(folder, 'package-lock.json'));
  return join(CACHE, createHash('sha256').update(lock).digest('hex').slice(0, 16));
}
