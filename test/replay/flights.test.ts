/**
 * The example as its users have it: the running server answers over REST for flights of its last two days, and a training set
 * for the same flights is built from the log it has left. Then once more from the files, killed on the way.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { beforeAll, expect, test } from 'vitest';
import type { Manifest } from '../../src/replay/manifest.ts';
import { run, start, temporaryFolder } from '../cli/run.ts';
import { jsonOf, readRows } from './support.ts';

const DATA = join(import.meta.dirname, '../../examples/flights/data');
const MAIN = join(import.meta.dirname, '../../src/main.ts');
/** From here on every `as_of` is exact online: the example keeps two days of history. */
const FROM = '2013-01-31T00:00:00.000Z';
const FLIGHTS = 300;

interface Flight extends Readonly<Record<string, unknown>> {
  readonly timestamp: string;
}

/** Spread over the two days; each is asked about at its own departure, of which it must know nothing. */
function flightsToAsk(): readonly Flight[] {
  const lines = gunzipSync(readFileSync(join(DATA, 'departures.jsonl.gz')))
    .toString('utf8')
    .trimEnd()
    .split('\n');
  const flights = lines
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter((each) => String(each['departed_at']) >= FROM && typeof each['tailnum'] === 'string')
    .map((each): Flight => {
      const { departed_at: at, origin, dest, carrier, tailnum, distance, dep_delay: delayed } = each;
      const hour = Number(String(each['scheduled_at']).slice(11, 13));
      return { timestamp: String(at), origin, dest, carrier, tailnum, scheduled_hour: hour, distance, delayed };
    });
  const every = Math.floor(flights.length / FLIGHTS);
  return flights.filter((_flight, index) => index % every === 0).slice(0, FLIGHTS);
}

interface Served {
  readonly values: Readonly<Record<string, unknown>>;
  readonly statuses: Readonly<Record<string, string>>;
}

async function ask(url: string, { timestamp, delayed: _delayed, ...entity }: Flight): Promise<Served> {
  const answer = await fetch(`${url}/v1/feature-services/departure_delay/vectors`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ entities: [entity], as_of: timestamp, include: ['status'] }),
  });
  const { features, vectors } = (await answer.json()) as {
    features: string[];
    vectors: [{ values: unknown[]; status: string[] }];
  };
  const named = <T>(list: readonly T[]) => Object.fromEntries(features.map((name, at) => [name, list[at] as T]));
  return { values: named(vectors[0].values), statuses: named(vectors[0].status) };
}

const folder = temporaryFolder();
const flights = flightsToAsk();
let served: readonly Served[] = [];

beforeAll(async () => {
  writeFileSync(join(folder, 'labels.jsonl'), flights.map((flight) => `${JSON.stringify(flight)}\n`).join(''));
  const server = await start([], folder);
  while ((await fetch(`${server.url}/readyz`)).status !== 200) await delay(100);
  const answers: Served[] = [];
  for (const flight of flights) answers.push(await ask(server.url, flight));
  served = answers;
  await server.stop();
}, 120_000);

const TRAIN = ['train', '--service', 'departure_delay', '--labels', 'labels.jsonl', '--statuses', '--json'];
const FILES = ['departures', 'arrivals', 'weather'].flatMap((name) => ['--events', `${name}=${DATA}/${name}.jsonl.gz`]);

async function rowsOf(out: string): Promise<{ readonly trained: readonly Served[]; readonly carried: unknown }> {
  const rows = await readRows(join(folder, out));
  const names = Object.keys(served[0]?.values ?? {});
  return {
    trained: rows.map((row) => ({
      values: Object.fromEntries(names.map((name) => [name, jsonOf(row[name] ?? null)])),
      statuses: Object.fromEntries(names.map((name) => [name, String(row[`${name}__status`])])),
    })),
    carried: rows.map((row) =>
      Object.fromEntries(Object.keys(flights[0] ?? {}).map((name) => [name, jsonOf(row[name] ?? null)])),
    ),
  };
}

test('from its log, every value and status is what the server answered', async () => {
  const { code, stdout, stderr } = await run([...TRAIN, '--out', 'log.parquet'], folder);
  expect([code, stderr]).toEqual([0, '']);
  const manifest = JSON.parse(stdout) as Manifest;
  expect(manifest).toMatchObject({ service: 'departure_delay@1', rows: FLIGHTS, knowledge: 'event-time' });
  const { trained, carried } = await rowsOf('log.parquet');
  expect(carried).toEqual(flights);
  expect(served.some(({ statuses }) => Object.values(statuses).includes('OUT_OF_HISTORY'))).toBe(false);
  for (const [index, row] of trained.entries()) expect([index, row]).toEqual([index, served[index]]);
});

/** False: there is nothing. Throws for half of something. */
function isWhole(name: string): boolean {
  const path = join(folder, `${name}.parquet`);
  if (!existsSync(path)) return false;
  const { sha256 } = JSON.parse(readFileSync(join(folder, `${name}.manifest.json`), 'utf8')) as Manifest;
  expect(createHash('sha256').update(readFileSync(path)).digest('hex')).toBe(sha256);
  return true;
}

test('from its files it is the same, also when it was killed again and again, and what it leaves never looks whole', async () => {
  const args = [...TRAIN, ...FILES, '--out', 'files.parquet'];
  let kills = 0;
  for (let waitMs = 600; !isWhole('files'); waitMs += 400) {
    const child = spawn(process.execPath, [MAIN, ...args], { cwd: folder, stdio: 'ignore' });
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
    const code = await Promise.race([ended, delay(waitMs, 'running' as const)]);
    if (code === 'running') {
      child.kill('SIGKILL');
      await ended;
      kills += 1;
    } else expect(code).toBe(0);
  }
  expect(kills).toBeGreaterThan(1);
  const { trained } = await rowsOf('files.parquet');
  for (const [index, row] of trained.entries()) expect([index, row]).toEqual([index, served[index]]);
  const whole = await run(
    [
      ...TRAIN,
      ...FILES.toReversed().flatMap((each, at, all) => (at % 2 === 0 ? [all[at + 1] as string, each] : [])),
      '--out',
      'again.parquet',
    ],
    folder,
  );
  expect(whole.code).toBe(0);
  const bytes = (name: string) => readFileSync(join(folder, name));
  expect(bytes('again.parquet').equals(bytes('files.parquet'))).toBe(true);
  expect(readdirSync(folder).filter((name) => name.includes('.work-'))).toEqual([]);
}, 180_000);
