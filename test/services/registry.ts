/**
 * A real schema registry for tests: `SCHEMA_REGISTRY_URL` where that is given, else Apicurio Registry, in memory, which Maven
 * brings once into a cache, and which speaks Confluent's protocol. It is ready in some seconds and takes 250 MB.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { freePorts, isInstalled, startChild, until } from './child.ts';

/** The last that runs on Java 17. */
const VERSION = '2.6.13.Final';
const CACHE = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'skewless-test', `apicurio-${VERSION}`);
const ARTIFACT = `io.apicurio:apicurio-registry-app:${VERSION}:tar.gz:all`;

export interface RegistryService {
  readonly url: string;
  /** Answers the schema's id. */
  register(subject: string, schema: unknown, more?: object): Promise<number>;
  stop(): Promise<void>;
}

/** What is missing to have a registry here, or null. */
export function whyNoRegistry(): string | null {
  if (process.env['SCHEMA_REGISTRY_URL'] !== undefined) return null;
  if (!isInstalled('java')) return 'there is no java to run a schema registry (Debian: default-jdk-headless)';
  if (existsSync(CACHE) || isInstalled('mvn')) return null;
  return 'there is no mvn to bring a schema registry (Debian: maven)';
}

export async function startRegistry(): Promise<RegistryService> {
  const given = process.env['SCHEMA_REGISTRY_URL'];
  if (given !== undefined) return { url: given, register: registerAt(given), stop: () => Promise.resolve() };
  const folder = unpacked();
  const [port] = (await freePorts(1)) as [number];
  const url = `http://127.0.0.1:${port}/apis/ccompat/v7`;
  const server = startChild('java', [
    '-Xmx256m',
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    '-Dquarkus.http.host=127.0.0.1',
    `-Dquarkus.http.port=${port}`,
    '-jar',
    join(folder, `apicurio-registry-app-${VERSION}-runner.jar`),
  ]);
  await until('the schema registry answers', async () => {
    if (!server.running()) throw new Error(`the schema registry has ended: ${server.output()}`);
    // It lists subjects before it can look for one.
    const answer = await fetch(`${url}/subjects/absent/versions/latest`);
    if (answer.status !== 404) throw new Error(`it answers ${answer.status}`);
  });
  return { url, register: registerAt(url), stop: () => server.kill() };
}

function registerAt(url: string) {
  return async (subject: string, schema: unknown, more: object = {}): Promise<number> => {
    const answer = await fetch(`${url}/subjects/${subject}/versions`, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      body: JSON.stringify({ schema: JSON.stringify(schema), ...more }),
    });
    if (!answer.ok) throw new Error(`${subject} was not registered: ${await answer.text()}`);
    return ((await answer.json()) as { readonly id: number }).id;
  };
}

function unpacked(): string {
  if (existsSync(CACHE)) return CACHE;
  mkdirSync(join(CACHE, '..'), { recursive: true });
  const folder = mkdtempSync(`${CACHE}-`);
  const copy = ['-q', '-B', 'dependency:copy', `-Dartifact=${ARTIFACT}`, `-DoutputDirectory=${folder}`];
  const maven = spawnSync('mvn', copy, { timeout: 600_000, encoding: 'utf8' });
  if (maven.status !== 0) throw new Error(`Maven did not bring the schema registry: ${maven.stdout} ${maven.stderr}`);
  const archive = join(folder, `apicurio-registry-app-${VERSION}-all.tar.gz`);
  const tar = spawnSync('tar', ['xzf', archive, '-C', folder], { encoding: 'utf8' });
  if (tar.status !== 0) throw new Error(`the schema registry was not unpacked: ${tar.stderr}`);
  rmSync(archive);
  try {
    renameSync(folder, CACHE);
  } catch (error) {
    // Another worker was sooner.
    if (!existsSync(CACHE)) throw error;
    rmSync(folder, { recursive: true, force: true });
  }
  return CACHE;
}
