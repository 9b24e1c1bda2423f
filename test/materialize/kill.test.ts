/** `kill -9` of a real process, on the real log and store, at random points: what is stored equals one clean pass. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execPath } from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { AGGREGATIONS } from '../../src/aggregate/table.ts';
import { systemClock } from '../../src/core/clock.ts';
import { openSqliteLog } from '../../src/log/sqlite.ts';
import { createMaterializer } from '../../src/materialize/materializer.ts';
import { openSqliteStore } from '../../src/store/sqlite.ts';
import { createRandom, type Random } from '../simulation/random.ts';
import { cleanPass, definitionsFor, randomRecords, readStates, SOURCE } from '../simulation/workload.ts';
import { until } from './support.ts';

const KILLS_INSIDE_MIN = 4;
const KILLS_MIN = 12;
const KILLS_MAX = 40;
const RECORDS_PER_LIFE = 600;

const folder = mkdtempSync(join(tmpdir(), 'skewless-kill-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const files = { log: join(folder, 'log.sqlite'), store: join(folder, 'store.sqlite'), marker: join(folder, 'marker') };

function spawnWorker(owner: string): ChildProcess {
  const script = join(import.meta.dirname, 'fixtures', 'worker.ts');
  return spawn(execPath, [script, files.log, files.store, files.marker, owner], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
}

const markerText = (): string => (existsSync(files.marker) ? readFileSync(files.marker, 'utf8') : '');

/** Lets the worker run for a while, kills it, and answers whether it died inside a flush. */
async function killSomewhere(worker: ChildProcess, random: Random): Promise<boolean> {
  let errors = '';
  worker.stderr?.on('data', (chunk: Buffer) => {
    errors += chunk.toString('utf8');
  });
  const exited = once(worker, 'exit');
  await until(
    'the worker to commit',
    () => markerText() !== '' || worker.exitCode !== null,
    () => errors,
  );
  if (worker.exitCode !== null) throw new Error(`the worker ended by itself: ${errors}`);
  await delay(random.below(60));
  if (random.chance(0.5)) for (let look = 0; look < 2_000 && markerText() !== 'F'; look++);
  worker.kill('SIGKILL');
  await exited;
  return markerText() === 'F';
}

test('a materializer killed at any point, also inside a flush, leaves what the next one needs', async () => {
  const seed = Math.floor(systemClock.nowMs() % 1_000_000);
  const random = createRandom(seed);
  const definitions = definitionsFor('three');
  const log = await openSqliteLog({ file: files.log, clock: systemClock });
  await log.ensureTopic(SOURCE, 1);
  let kills = 0;
  let inside = 0;
  while (kills < KILLS_MIN || inside < KILLS_INSIDE_MIN) {
    expect(kills, `kills inside a flush so far: ${inside}`).toBeLessThan(KILLS_MAX);
    await log.append(SOURCE, randomRecords(random, RECORDS_PER_LIFE));
    rmSync(files.marker, { force: true });
    if (await killSomewhere(spawnWorker(`worker-${kills}`), random)) inside++;
    kills++;
  }
  const store = await openSqliteStore({ file: files.store, namespace: 'test' });
  const materializer = createMaterializer({
    definitions,
    aggregations: AGGREGATIONS,
    log,
    store,
    clock: systemClock,
    namespace: 'test',
    owner: 'last',
  });
  await materializer.start();
  const end = kills * RECORDS_PER_LIFE;
  const lanes = () =>
    materializer.status().sources.flatMap(({ views }) => views.flatMap(({ partitions }) => partitions));
  await until(
    'everything to be applied',
    () => lanes().length === 3 && lanes().every(({ position }) => position === end),
    lanes,
  );
  await materializer.stop();
  const records = await log.read(SOURCE, 0, 0, end);
  expect(records.length).toBe(end);
  const clean = cleanPass(definitions, records);
  expect(clean.size).toBeGreaterThan(10);
  expect(await readStates(definitions, store, clean), `seed ${seed}, ${kills} kills, ${inside} inside`).toEqual(clean);
  await store.close();
  await log.close();
});
