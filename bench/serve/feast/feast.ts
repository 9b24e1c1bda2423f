/**
 * Feast's Python feature server beside `serve`: the same 50 values of the same cards, written by Feast's SDK into the same Redis in
 * Feast's own form, served by `feast serve` on the core that `serve` has in its turn. docs/performance.md says what is run.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts, startChild, until } from '../../../test/services/child.ts';
import { FEAST_VERSION } from '../../../test/services/python.ts';
import { compare, post, vectorsUrl } from '../answers.ts';
import { warmBodies } from '../contestants.ts';
import { ON_SERVER_CORE } from '../cores.ts';
import { type Contestant, type LoadFigures, type Server, medianOf } from '../generator.ts';
import { interleave } from '../interleave.ts';
import type { Body } from '../requests.ts';
import type { World } from '../world.ts';
import { feastVersions, installFeast } from './install.ts';

const LOAD = join(import.meta.dirname, 'load.py');
const ROWS = 10;
/** Worker processes on the one core. Each number is measured; the fastest counts. */
const WORKERS = [1, 2] as const;
/** Nothing is logged by request, nothing is refreshed and no worker is replaced while it is measured. */
const SETTINGS = '--no-access-log --registry_ttl_sec 3600 --max-requests 0';
const START_MS = 60_000;
const LOAD_MS = 120_000;
const VERIFIED_ROWS = 100;

export interface FeastFigures {
  readonly version: string;
  readonly packages: readonly string[];
  readonly rows: number;
  readonly servers: readonly { readonly command: string; readonly figures: LoadFigures }[];
  readonly ours: LoadFigures;
  /** Ours ÷ that of Feast's which answers most. */
  readonly requests_ratio: number;
  /** Of the 99th percentiles: ours ÷ the least of Feast's. */
  readonly p99_ratio: number;
}

interface FeastAnswer {
  readonly metadata: { readonly feature_names: readonly string[] };
  readonly results: readonly { readonly values: readonly unknown[] }[];
}

export interface FeastPlan {
  readonly ours: Server;
  readonly rounds: number;
  readonly seconds: number;
}

export async function benchFeast(world: World, { ours, rounds, seconds }: FeastPlan): Promise<FeastFigures> {
  const bin = installFeast(world.say);
  const folder = world.makeFolder('feast');
  const asOfMs = Date.now();
  const features = await featureNames(ours.url);
  world.say(`writing ${world.states.size} cards by Feast …`);
  writeFiles(world, folder, features, asOfMs);
  const loaded = spawnSync(join(bin, 'python'), [LOAD, 'values.json'], {
    cwd: folder,
    encoding: 'utf8',
    timeout: LOAD_MS,
  });
  if (loaded.status !== 0) throw new Error(`Feast did not take the values: ${loaded.stderr}`);
  const bodies = warmBodies(world, ROWS);
  const bodiesFile = world.writeBodies(bodies);
  const contestants = new Map<string, Contestant>([
    ['ours', { server: ours, url: vectorsUrl(ours.url, 'spend'), bodiesFile }],
  ]);
  const feastBodiesFile = world.writeBodies(bodies.map(feastBody));
  const commands = WORKERS.map((workers) => `feast serve --workers ${workers} ${SETTINGS}`);
  for (const command of commands) {
    const server = await serveFeast(world, { bin, folder, command });
    const url = `${server.url}/get-online-features`;
    await verifyFeast(world, url, features, asOfMs);
    contestants.set(command, { server, url, bodiesFile: feastBodiesFile });
  }
  const runs = await interleave(contestants, { rounds, seconds, say: world.say });
  const own = medianOf(runs.get('ours') ?? []);
  const servers = commands.map((command) => ({ command, figures: medianOf(runs.get(command) ?? []) }));
  return {
    version: FEAST_VERSION,
    packages: feastVersions(bin),
    rows: ROWS,
    servers,
    ours: own,
    requests_ratio: own.requests_per_second / Math.max(...servers.map(({ figures }) => figures.requests_per_second)),
    p99_ratio: own.p99_ms / Math.min(...servers.map(({ figures }) => figures.p99_ms)),
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

interface FeastServer {
  readonly bin: string;
  readonly folder: string;
  readonly command: string;
}

async function serveFeast(world: World, { bin, folder, command }: FeastServer): Promise<Server> {
  const [port] = (await freePorts(1)) as [number];
  const [taskset = '', ...pin] = ON_SERVER_CORE;
  const [program = '', ...args] = command.split(' ');
  const child = startChild(taskset, [...pin, join(bin, program), '--chdir', folder, ...args, '--port', String(port)]);
  world.onClose(() => child.stop());
  const url = `http://127.0.0.1:${port}`;
  const answers = async (): Promise<void> => {
    if (!child.running()) throw new Error(`feast serve has ended: ${child.output()}`);
    await post(`${url}/get-online-features`, feastBody({ entities: [{ card: 'card-0' }] }));
  };
  await until('Feast answers', answers, START_MS);
  return { url, pid: child.pid };
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
