/**
 * Feast's Python feature server beside `serve`: the same 50 values of the same cards, written by Feast's SDK into the same Redis in
 * Feast's own form, served by `feast serve` on the core that `serve` has in its turn. docs/performance.md says what is run.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts, startChild, until } from '../../../test/services/child.ts';
import { compare, post, vectorsUrl } from '../answers.ts';
import { warmBodies } from '../contestants.ts';
import { ON_SERVER_CORE } from '../cores.ts';
import { type Contestant, type LoadFigures, medianOf } from '../generator.ts';
import { interleave } from '../interleave.ts';
import type { Body } from '../requests.ts';
import type { World } from '../world.ts';
import { FEAST_VERSION, feastVersions, installFeast } from './install.ts';

const LOAD = join(import.meta.dirname, 'load.py');
const ROWS = 10;
/** Of a core: as many as make it the fastest there (docs/performance.md). */
const WORKERS = 1;
/** Nothing is logged by request, nothing is refreshed and no worker is replaced while it is measured. */
const SERVE_ARGS = `--workers ${WORKERS} --no-access-log --registry_ttl_sec 3600 --max-requests 0`.split(' ');
const START_MS = 60_000;
const LOAD_MS = 120_000;
const VERIFIED_ROWS = 100;

export interface FeastFigures {
  readonly version: string;
  readonly command: string;
  readonly packages: readonly string[];
  readonly rows: number;
  readonly feast: LoadFigures;
  readonly ours: LoadFigures;
  readonly requests_ratio: number;
  /** Of the 99th percentiles, ours ÷ Feast's. */
  readonly p99_ratio: number;
}

interface FeastAnswer {
  readonly metadata: { readonly feature_names: readonly string[] };
  readonly results: readonly { readonly values: readonly unknown[] }[];
}

export interface FeastPlan {
  readonly ours: string;
  readonly rounds: number;
  readonly seconds: number;
}

export async function benchFeast(world: World, { ours, rounds, seconds }: FeastPlan): Promise<FeastFigures> {
  const bin = installFeast(world.say);
  const folder = world.makeFolder('feast');
  const asOfMs = Date.now();
  const features = await featureNames(ours);
  world.say(`writing ${world.states.size} cards by Feast …`);
  writeFiles(world, folder, features, asOfMs);
  const loaded = spawnSync(join(bin, 'python'), [LOAD, 'values.json'], {
    cwd: folder,
    encoding: 'utf8',
    timeout: LOAD_MS,
  });
  if (loaded.status !== 0) throw new Error(`Feast did not take the values: ${loaded.stderr}`);
  const url = await serveFeast(world, bin, folder);
  await verifyFeast(world, url, features, asOfMs);
  const bodies = warmBodies(world, ROWS);
  const contestants = new Map<'feast' | 'ours', Contestant>([
    ['feast', { url, bodiesFile: world.writeBodies(bodies.map(feastBody)) }],
    ['ours', { url: vectorsUrl(ours, 'spend'), bodiesFile: world.writeBodies(bodies) }],
  ]);
  const runs = await interleave(contestants, { rounds, seconds, say: world.say });
  const [feast, own] = [medianOf(runs.get('feast') ?? []), medianOf(runs.get('ours') ?? [])];
  return {
    version: FEAST_VERSION,
    command: `feast serve ${SERVE_ARGS.join(' ')}`,
    packages: feastVersions(bin),
    rows: ROWS,
    feast,
    ours: own,
    requests_ratio: own.requests_per_second / feast.requests_per_second,
    p99_ratio: own.p99_ms / feast.p99_ms,
  };
}

async function featureNames(ours: string): Promise<readonly string[]> {
  const { features } = JSON.parse(await post(vectorsUrl(ours, 'spend'), { entities: [{ card: 'card-0' }] })) as {
    readonly features: readonly string[];
  };
  return features;
}

function writeFiles({ states, redis }: World, folder: string, features: readonly string[], asOfMs: number): void {
  const rows = [...states.values()].map((state) => [state.card, ...state.valuesAt(asOfMs)]);
  const kinds = features.map((name, index) => {
    const isInt = rows.every((row) => row[index + 1] === null || Number.isInteger(row[index + 1]));
    return [name, isInt ? 'int' : 'double'];
  });
  const values = { features: kinds, rows, event_time: new Date(asOfMs).toISOString() };
  writeFileSync(join(folder, 'values.json'), JSON.stringify(values));
  const settings = `project: bench
registry: registry.db
provider: local
online_store: { type: redis, connection_string: "127.0.0.1:${redis.port}" }
entity_key_serialization_version: 3
`;
  writeFileSync(join(folder, 'feature_store.yaml'), settings);
}

/** Answers the URL of its route. */
async function serveFeast(world: World, bin: string, folder: string): Promise<string> {
  const [port] = (await freePorts(1)) as [number];
  const [taskset = '', ...pin] = ON_SERVER_CORE;
  const feast = [join(bin, 'feast'), '--chdir', folder, 'serve', '--port', String(port), ...SERVE_ARGS];
  const server = startChild(taskset, [...pin, ...feast]);
  world.onClose(() => server.stop());
  const url = `http://127.0.0.1:${port}/get-online-features`;
  const answers = async (): Promise<void> => {
    if (!server.running()) throw new Error(`feast serve has ended: ${server.output()}`);
    await post(url, feastBody({ entities: [{ card: 'card-0' }] }));
  };
  await until('Feast answers', answers, START_MS);
  return url;
}

function feastBody({ entities }: Body): unknown {
  return { feature_service: 'spend', entities: { card: entities.map(({ card }) => card) } };
}

/** Every value of every card. */
async function verifyFeast(world: World, url: string, features: readonly string[], asOfMs: number): Promise<void> {
  const states = [...world.states.values()];
  for (let from = 0; from < states.length; from += VERIFIED_ROWS) {
    const some = states.slice(from, from + VERIFIED_ROWS);
    const answer = JSON.parse(await post(url, feastBody({ entities: some }))) as FeastAnswer;
    const names = answer.metadata.feature_names;
    for (const [index, { card, valuesAt }] of some.entries()) {
      const found = features.map((name) => answer.results[names.indexOf(name)]?.values[index]);
      compare(`Feast: ${card}`, features, found, valuesAt(asOfMs));
    }
  }
}
