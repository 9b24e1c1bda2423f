/**
 * A real Kafka for tests: `KAFKA_BROKERS` where that is given, else Apache Kafka in combined KRaft mode from its jars,
 * which Maven brings once into a cache.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { type Child, freePorts, isInstalled, startChild, until } from './child.ts';

const VERSION = '4.1.1';
const CACHE = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'skewless-test', `kafka-${VERSION}`);
const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>test</groupId><artifactId>kafka</artifactId><version>1</version><dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${VERSION}</version></dependency>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>${VERSION}</version></dependency>
</dependencies></project>`;
const LOG_CONFIG = `Configuration:
  Appenders: { Console: { name: out, PatternLayout: { pattern: "%d %p %m%n" } } }
  Loggers: { Root: { level: warn, AppenderRef: [{ ref: out }] } }`;

export interface KafkaService {
  readonly brokers: readonly string[];
  /** Null for a broker that was given: it is not ours to harm. */
  readonly process: KafkaProcess | null;
  stop(): Promise<void>;
}

export interface KafkaProcess {
  /** `classpath` of Kafka's own clients and tools. */
  readonly classpath: string;
  kill(): Promise<void>;
  /** After `kill` or `stop`: the same data, the same port. */
  restart(): Promise<void>;
  suspend(): void;
  resume(): void;
}

/** What is missing to have a Kafka here, or null. */
export function whyNoKafka(): string | null {
  return process.env['KAFKA_BROKERS'] === undefined ? whyNoOwnKafka() : null;
}

/** What is missing to start a Kafka here that a test may harm, or null. */
export function whyNoOwnKafka(): string | null {
  if (!isInstalled('java')) return 'there is no java to run Kafka (Debian: default-jdk-headless)';
  if (existsSync(CACHE) || isInstalled('mvn')) return null;
  return 'there is no mvn to bring the jars of Kafka (Debian: maven)';
}

/** More lines for `server.properties` (lists of `LISTENER_LISTS` are added to), and a heap that is enough for a few hundred thousand small records. */
export async function startKafka(properties: Readonly<Record<string, string>> = {}): Promise<KafkaService> {
  const given = process.env['KAFKA_BROKERS'];
  if (given !== undefined && Object.keys(properties).length === 0) {
    return { brokers: given.split(','), process: null, stop: () => Promise.resolve() };
  }
  return startOwnKafka(properties);
}

/** One that a test may kill. `formatArgs`: more for `StorageTool format`, such as `--add-scram`. */
export async function startOwnKafka(
  properties: Readonly<Record<string, string>> = {},
  formatArgs: readonly string[] = [],
): Promise<KafkaService & { readonly process: KafkaProcess }> {
  const classpath = `${jars()}/*`;
  const folder = mkdtempSync(join(tmpdir(), 'skewless-kafka-'));
  const [port, controllerPort] = (await freePorts(2)) as [number, number];
  const config = join(folder, 'server.properties');
  const defaults = defaultProperties(folder, port, controllerPort);
  writeFileSync(config, formatProperties(defaults, properties));
  writeFileSync(join(folder, 'log4j2.yaml'), LOG_CONFIG);
  const java = [
    '-Xmx512m',
    '-XX:+UseSerialGC',
    `-Dlog4j2.configurationFile=${join(folder, 'log4j2.yaml')}`,
    '-cp',
    classpath,
  ];
  const cluster = 'c2tld2xlc3MtdGVzdHMtMQ';
  // It ends before compiled code would pay.
  const formatter = [
    '-XX:TieredStopAtLevel=1',
    ...java,
    'kafka.tools.StorageTool',
    'format',
    '-t',
    cluster,
    '-c',
    config,
    ...formatArgs,
  ];
  const format = spawnSync('java', formatter, { encoding: 'utf8' });
  if (format.status !== 0) throw new Error(`Kafka's storage was not formatted: ${format.stderr} ${format.stdout}`);
  const brokers = [`127.0.0.1:${port}`];
  let broker: Child;
  async function start(): Promise<void> {
    broker = startChild('java', [...java, 'kafka.Kafka', config]);
    await until('Kafka answers', () => askBroker(brokers, broker));
  }
  await start();
  return {
    brokers,
    process: {
      classpath,
      kill: () => broker.kill(),
      restart: start,
      suspend: () => broker.signal('SIGSTOP'),
      resume: () => broker.signal('SIGCONT'),
    },
    async stop() {
      await broker.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Properties of one more listener, which tells clients that it is at another port: that of a proxy before it. */
export function listenerBehind(port: number, advertisedPort: number): Readonly<Record<string, string>> {
  return {
    listeners: `PROXIED://127.0.0.1:${port}`,
    'advertised.listeners': `PROXIED://127.0.0.1:${advertisedPort}`,
    'listener.security.protocol.map': 'PROXIED:PLAINTEXT',
  };
}

async function askBroker(brokers: readonly string[], broker: Child): Promise<void> {
  if (!broker.running()) throw new Error(`Kafka has ended: ${broker.output()}`);
  const kafka = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING, retry: { retries: 2 } });
  const admin = kafka.admin();
  try {
    await admin.connect();
    // The first group makes Kafka create what it keeps of groups, which takes a while.
    await admin.fetchOffsets({ groupId: 'warm-up' });
  } finally {
    await admin.disconnect();
  }
}

/** The folder of Kafka's jars; brought by Maven where they are not there yet. */
function jars(): string {
  if (existsSync(CACHE)) return CACHE;
  mkdirSync(join(CACHE, '..'), { recursive: true });
  const folder = mkdtempSync(`${CACHE}-`);
  writeFileSync(join(folder, 'pom.xml'), POM);
  const goal = ['-q', '-B', '-f', join(folder, 'pom.xml'), 'dependency:copy-dependencies'];
  const maven = spawnSync('mvn', [...goal, `-DoutputDirectory=${join(folder, 'libs')}`], {
    timeout: 600_000,
    encoding: 'utf8',
  });
  if (maven.status !== 0) throw new Error(`Maven did not bring Kafka: ${maven.stdout} ${maven.stderr}`);
  try {
    renameSync(join(folder, 'libs'), CACHE);
  } catch (error) {
    // Another worker was sooner.
    if (!existsSync(CACHE)) throw error;
  }
  rmSync(folder, { recursive: true, force: true });
  return CACHE;
}

function defaultProperties(folder: string, port: number, controllerPort: number): Record<string, string> {
  return {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': join(folder, 'data'),
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '4',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
    'group.min.session.timeout.ms': '1000',
    'auto.create.topics.enable': 'false',
    'log.retention.check.interval.ms': '1000',
    // Tests write timestamps that are long past; what retention takes it takes half a minute after the start.
    'log.retention.ms': '-1',
    'num.network.threads': '2',
    'num.io.threads': '4',
  };
}

/** Beside the plain listener, which the harness itself uses, and the controller's. */
const LISTENER_LISTS = new Set(['listeners', 'advertised.listeners', 'listener.security.protocol.map']);

function formatProperties(defaults: Readonly<Record<string, string>>, more: Readonly<Record<string, string>>): string {
  const lines = Object.entries({ ...defaults, ...more }).map(([name, value]) => {
    const isAdded = LISTENER_LISTS.has(name) && more[name] !== undefined;
    return `${name}=${isAdded ? `${defaults[name]},` : ''}${value}\n`;
  });
  return lines.join('');
}
