/** That budgets can be broken: the smoke scenario against a sound server, and against those that are not. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Budgets, SCENARIOS } from '../../load-tests/budgets.ts';
import type { Report } from '../../load-tests/reports/report.ts';
import { drive } from '../../load-tests/runner/drive.ts';
import { findK6 } from '../../load-tests/runner/k6-binary.ts';
import { type World, startWorld } from '../../load-tests/runner/world.ts';
import { describeWith } from '../services/available.ts';
import { freePorts } from '../services/child.ts';
import { startOffByABit, startSilent } from './servers.ts';

const FOLDER = join(import.meta.dirname, '../../load-tests');
const BUDGETS = JSON.parse(readFileSync(join(FOLDER, 'budgets.json'), 'utf8')) as Budgets;
const LOAD = { perSecond: 20, seconds: 5 };
/** k6 may have to be built. */
const LIMIT_MS = 1_800_000;
/** More than the greatest factor makes of any median. */
const SLOW_BY_MS = 500;
const say = (line: string): void => console.error(line);

interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function runLoad(args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<Finished> {
  const child = spawn(process.execPath, [join(FOLDER, 'run.ts'), ...args], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, ...output })));
}

function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'skewless-load-reports-'));
}

const broken = ({ budgets }: Report): readonly string[] => budgets.filter(({ kept }) => !kept).map(({ name }) => name);
const brokenBesideLatency = ({ budgets }: Report): readonly string[] =>
  budgets.filter(({ kept, unit }) => !kept && unit !== 'ms').map(({ name }) => name);

describeWith(['k6', 'own-kafka', 'own-redis'], 'the smoke scenario', () => {
  let k6: string;
  let world: World;
  beforeAll(async () => {
    k6 = await findK6(say);
    world = await startWorld(200, say);
  }, LIMIT_MS);
  afterAll(() => world.stop());

  const smoke = (url: string): Promise<Report> =>
    drive({
      k6,
      budgets: BUDGETS,
      scenario: 'smoke',
      load: LOAD,
      url,
      controlUrl: '',
      cards: world.cards,
      reports: temporaryFolder(),
      say,
    });

  test('keeps every budget of a sound server, but for latency on a machine that is busy with other tests', async () => {
    const report = await smoke(world.url);
    expect(brokenBesideLatency(report)).toEqual([]);
    expect(report.budgets.filter(({ unit, measured }) => unit === 'ms' && measured === null)).toEqual([]);
    expect(report.checks.length).toBeGreaterThanOrEqual(11);
    expect(report.checks.filter(({ fails, passes }) => fails > 0 || passes === 0)).toEqual([]);
  });

  test('breaks the checks of a server whose numbers are off by their last bit, and names them', async () => {
    const server = await startOffByABit(world.url);
    const report = await smoke(server.url);
    await server.close();
    expect(brokenBesideLatency(report)).toEqual(['checks', 'answered rightly']);
    const failed = report.checks.filter(({ fails }) => fails > 0).map(({ name }) => name);
    expect(failed.toSorted()).toEqual([
      'a GET is exact',
      'a batch is exact',
      'a read sees what was written',
      'a row is exact',
      'cards are exact',
    ]);
  });

  test('breaks every budget of a dead server but that of dropped iterations, latency included', async () => {
    const [port] = await freePorts(1);
    const report = await smoke(`http://127.0.0.1:${port}`);
    const names = report.budgets.map(({ name }) => name);
    expect(broken(report)).toEqual(names.filter((name) => name !== 'dropped iterations'));
  });

  test('breaks every budget of a server that accepts and never answers', async () => {
    const server = await startSilent();
    const report = await smoke(server.url);
    await server.close();
    expect(broken(report)).toEqual(report.budgets.map(({ name }) => name));
  });

  test('ends the command with 1 when the server is slower than it was, and says by how much, in every report', {
    timeout: LIMIT_MS,
  }, async () => {
    const reports = temporaryFolder();
    const args = ['smoke', '--rate', '20', '--duration', '5s', '--slow-by', String(SLOW_BY_MS), '--reports', reports];
    const { code, stdout, stderr } = await runLoad(args);
    expect(code, stderr).toBe(1);
    const report = JSON.parse(readFileSync(join(reports, 'report.json'), 'utf8')) as Report;
    const medians = report.budgets.map(({ name }) => name).filter((name) => name.endsWith(' p50'));
    expect(broken(report)).toEqual(expect.arrayContaining(medians));
    expect(brokenBesideLatency(report)).toEqual([]);
    expect(stdout).toMatch(/^BROKEN {2}vectors p50 +5\d\d\.\d\d ms +at most .* over by \d+\.\d\d ms/m);
    expect(stdout).toMatch(/budgets broken: vectors p50, /);
    expect(readFileSync(join(reports, 'junit.xml'), 'utf8')).toMatch(/name="vectors p50"><failure message="5\d\d\./);
    expect(readFileSync(join(reports, 'report.html'), 'utf8')).toMatch(/broken: over by/);
  });
});

test.each([
  [['smoek'], /Allowed choices are smoke, steady/],
  [['smoke', '--rate', '0'], /an integer from 1 to/],
  [['smoke', '--duration', '5'], /such as 30s or 10m/],
  [['redis-down', '--duration', '5s'], /redis-down needs at least 20s/],
  [['smoke', '--fast'], /unknown option '--fast'/],
])('load %j is a usage error that says what would do', async (args, complaint) => {
  const { code, stderr } = await runLoad(args);
  expect(stderr).toMatch(complaint);
  expect(code).toBe(2);
});

test('load without a k6 that can be run ends with 3 and names it', async () => {
  const { code, stderr } = await runLoad(['smoke'], { K6: '/nonexistent/k6' });
  expect(stderr).toMatch(/K6 names \/nonexistent\/k6, which is no k6 that can be run/);
  expect(code).toBe(3);
});

test('load without k6 and without Go ends with 3 and says how to get either', async () => {
  const { code, stderr } = await runLoad(['smoke'], { PATH: '/nonexistent', XDG_CACHE_HOME: temporaryFolder() });
  expect(stderr).toMatch(/there is neither k6 nor Go: install k6 .*, or Go/);
  expect(code).toBe(3);
});

test('load --list names every scenario with its load', async () => {
  const { code, stdout } = await runLoad(['--list', '--json']);
  const listed = JSON.parse(stdout) as { name: string }[];
  expect(listed.map(({ name }) => name)).toEqual([...SCENARIOS]);
  expect(code).toBe(0);
});
