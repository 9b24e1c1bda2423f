/**
 * The image and the compose file, without Docker: images cannot be pulled wherever these tests run. Each step of the
 * Dockerfile is run in an empty folder instead, and what comes of it is started as compose.yaml says, as a user who may
 * write nowhere but in the volume, on the machine's own Kafka and Redis with the settings of the file. What this leaves
 * unseen: the base images themselves.
 */
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { describeWith } from '../services/available.ts';
import { freePorts, until } from '../services/child.ts';
import { type KafkaService, startOwnKafka } from '../services/kafka.ts';
import { type OwnRedis, startOwnRedis } from '../services/redis.ts';
import {
  type Container,
  type Image,
  buildImage,
  checkHealth,
  filesBelow,
  freeze,
  isInContext,
  parseDockerfile,
  runImage,
} from './dockerfile.ts';

const REPOSITORY = join(import.meta.dirname, '../..');
const PACKAGE = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')) as {
  version: string;
  dependencies: Record<string, string>;
};
const ASK = JSON.parse(readFileSync(join(REPOSITORY, 'examples/flights/request.json'), 'utf8')) as object;

interface Service {
  readonly image: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly command?: readonly string[];
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly read_only?: boolean;
  readonly depends_on?: Readonly<Record<string, unknown>>;
  readonly healthcheck?: { readonly test: readonly string[] };
}

const COMPOSE = parse(readFileSync(join(REPOSITORY, 'compose.yaml'), 'utf8'), { merge: true }) as {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
};

let folder: string;
let image: Image;
const running: Container[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'skewless-docker-'));
  chmodSync(folder, 0o755);
  image = buildImage(REPOSITORY, folder);
  freeze(join(image.root, 'app'));
}, 300_000);

afterEach(async () => {
  for (const container of running.splice(0)) await container.stop('SIGKILL');
});

afterAll(() => {
  spawnSync('chmod', ['-R', 'u+w', folder]);
  rmSync(folder, { recursive: true, force: true });
});

function start(command: readonly string[], env: Readonly<Record<string, string>>): Container {
  const container = runImage(image, command, env);
  running.push(container);
  return container;
}

describe('the Dockerfile, each step run in an empty folder instead of a container', () => {
  test('builds on the Node that the program needs, and runs as somebody who is not root', () => {
    const stages = parseDockerfile(readFileSync(join(REPOSITORY, 'Dockerfile'), 'utf8'));
    const major = PACKAGE.dependencies['node']?.split('.')[0];
    for (const { base } of stages) expect(base).toMatch(new RegExp(`^node:${major}-\\w+-slim$`));
    expect(image.user).toBe('node');
    expect(image.volumes).toEqual([image.workdir]);
  });

  test('holds what the program needs, and no test, tool, history or second Node', () => {
    const app = join(image.root, 'app');
    const files = filesBelow(app).map((line) => line.split(' ')[0]);
    expect(files).toContain('src/main.ts');
    expect(files).toContain('LICENSE');
    for (const absent of ['test', '.git', 'node_modules/node', 'node_modules/vitest', 'node_modules/typescript'])
      expect(files).not.toContain(absent);
    const ignore = readFileSync(join(REPOSITORY, '.dockerignore'), 'utf8');
    for (const secret of ['.env', '.git/config', 'node_modules/x/index.js', 'key.pem', '.skewless/log.sqlite'])
      expect(isInContext(ignore, secret)).toBe(false);
  });

  test('the program says its version', async () => {
    const { code, output } = await start(['--version'], {}).stop();
    expect(output).toBe(`${PACKAGE.version}\n`);
    expect(code).toBe(0);
  });

  test('who may call has to be said, for the image listens to every machine', async () => {
    const { code, output } = await start(image.cmd, {}).stop();
    expect(output).toContain('--auth none');
    expect(code).toBe(2);
  });

  test('it starts with nothing but the volume to write to, is healthy, and ends on SIGTERM', async () => {
    const before = filesBelow(join(image.root, 'app'));
    const [port] = (await freePorts(1)) as [number];
    const env = { SKEWLESS_AUTH: 'none', SKEWLESS_PORT: `${port}` };
    const container = start(image.cmd, env);
    await until('the image is healthy', async () => {
      if (!container.running()) throw new Error(container.output());
      if ((await checkHealth(image, env)) !== 0) throw new Error(`not healthy: ${container.output()}`);
    });
    await until('the example is served', async () => expect(await vectorsAt(port)).toContain('"PRESENT"'));
    const { code } = await container.stop('SIGTERM');
    expect(code).toBe(0);
    expect(await checkHealth(image, env)).toBe(1);
    expect(filesBelow(join(image.root, 'app'))).toEqual(before);
  });
});

async function vectorsAt(port: number): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${port}/v1/feature-services/departure_delay/vectors`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...ASK, include: ['status'] }),
  });
  return answer.text();
}

/** Commands that a file's text tells to run, with the service they are run in. */
function toldCommands(text: string): readonly { readonly service: string; readonly args: readonly string[] }[] {
  return [...text.matchAll(/docker compose run --rm (\w+) (\S.*)/g)].map(([, service = '', words = '']) => ({
    service,
    args: words.split(' '),
  }));
}

describe('compose.yaml', () => {
  const { services, volumes } = COMPOSE;

  test('names only services and volumes that are there, and pins images', () => {
    for (const { image: name, depends_on: needed = {}, volumes: mounts = [] } of Object.values(services)) {
      for (const service of Object.keys(needed)) expect(services[service]?.healthcheck).toBeDefined();
      for (const mount of mounts.filter((each) => /^\w+:/.test(each)))
        expect(volumes).toHaveProperty(mount.split(':')[0] ?? '');
      expect(name).toMatch(/^skewless$|:\d/);
    }
  });

  test('runs the roles with read-only file systems, and publishes ports to this machine alone', () => {
    const roles = Object.values(services).filter(({ image: name }) => name === 'skewless');
    expect(roles.map(({ environment }) => environment?.['SKEWLESS_ROLE'])).toEqual(['materialize', 'serve']);
    for (const role of roles) expect(role.read_only).toBe(true);
    for (const { ports = [] } of Object.values(services))
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/);
  });
});

describeWith(['kafka', 'redis'], 'the services of compose.yaml, as processes of this machine', () => {
  let kafka: KafkaService;
  let redis: OwnRedis;

  beforeAll(async () => {
    kafka = await startOwnKafka(kafkaProperties(COMPOSE.services['kafka']?.environment ?? {}));
    redis = await startOwnRedis((COMPOSE.services['redis']?.command ?? []).slice(1));
  });
  afterAll(async () => {
    await kafka?.stop();
    await redis?.stop();
  });

  function environmentOf(service: string, port: number): Record<string, string> {
    const there = JSON.stringify(COMPOSE.services[service]?.environment)
      .replace('kafka:9092', kafka.brokers.join(','))
      .replace('redis://redis:6379', redis.url)
      .replace('"/definitions"', JSON.stringify(join(image.root, 'app/examples/flights/definitions')));
    return { ...(JSON.parse(there) as Record<string, string>), SKEWLESS_PORT: `${port}` };
  }

  test('serve what is ingested, by the commands that the file tells', async () => {
    const [materializePort, servePort] = (await freePorts(2)) as [number, number];
    const materialize = start(image.cmd, environmentOf('materialize', materializePort));
    const serve = start(image.cmd, environmentOf('serve', servePort));
    const [told] = toldCommands(readFileSync(join(REPOSITORY, 'compose.yaml'), 'utf8'));
    expect(told?.service).toBe('materialize');
    for (const source of ['departures', 'arrivals', 'weather']) {
      const args = (told?.args ?? []).map((word) => word.replace('departures', source));
      const { code, output } = await start(args, environmentOf('materialize', materializePort)).stop();
      expect(output).toMatch(/events appended, 0 rejected/);
      expect(code).toBe(0);
    }
    await until('the events are served', async () => {
      for (const container of [materialize, serve]) if (!container.running()) throw new Error(container.output());
      const body = await vectorsAt(servePort);
      if (!body.includes('"PRESENT"') || body.includes('"REBUILDING"')) throw new Error(`${body}\n${serve.output()}`);
    });
    for (const container of [serve, materialize]) expect((await container.stop('SIGTERM')).code).toBe(0);
  });
});

/** `KAFKA_NODE_ID` → `node.id`, without what says where things are, which is the machine's matter. */
function kafkaProperties(environment: Readonly<Record<string, string>>): Record<string, string> {
  const places = /LISTENERS|LOG_DIRS|QUORUM_VOTERS|NODE_ID/;
  const settings = Object.entries(environment).filter(([name]) => !places.test(name));
  return Object.fromEntries(
    settings.map(([name, value]) => [
      name
        .replace(/^KAFKA_/, '')
        .replaceAll('_', '.')
        .toLowerCase(),
      value,
    ]),
  );
}
