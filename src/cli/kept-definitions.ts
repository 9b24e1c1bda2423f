/**
 * Definitions of all deployments of a namespace, kept in a topic of the log: whoever folds writes its own, once, and whoever
 * checks a receipt finds those that it was served with. A topic, for it is there wherever events are, and outlives states.
 */
import { relative } from 'node:path';
import { AGGREGATIONS } from '../aggregate/table.ts';
import { type Bundle, packBundle, unpackBundle } from '../definition/bundle.ts';
import type { Definitions, ServiceDefinition } from '../definition/definition.ts';
import { loadDefinitions } from '../definition/load.ts';
import type { LogRecord } from '../event/event.ts';
import type { Log, TopicSettings } from '../log/log.ts';
import { readDefinitionFiles } from './definition-files.ts';
import { type StoredView, isOf } from './stored.ts';

/** Kafka's own bound on records; definitions of thousands of lines take a few tens of kilobytes. */
const BUNDLE_BYTES_MAX = 1_000_000;
const SETTINGS: TopicSettings = { keepsAll: true, recordBytesMax: 1_048_588 };
const RECORDS_PER_READ = 100;
/** Of the definitions that are kept, the newest are those that may run. */
const DEPLOYED_LOOKED_AT_MAX = 50;

export function definitionsTopic(namespace: string): string {
  return `${namespace}.definitions`;
}

/** Writes the definitions of this folder, if they are not there yet. */
export async function keepDefinitions(
  log: Log,
  namespace: string,
  definitions: Definitions,
  directory: string,
  onWarning: (message: string) => void,
): Promise<void> {
  const topic = definitionsTopic(namespace);
  const files = readDefinitionFiles(directory).map(({ path, text }) => ({ path: relative(directory, path), text }));
  const { id, bytes } = packBundle(files, definitions);
  if (bytes.length > BUNDLE_BYTES_MAX) {
    onWarning(
      `the definitions are too large to be kept (${bytes.length} bytes): their receipts verify with them alone`,
    );
    return;
  }
  const key = new TextEncoder().encode(id);
  await log.ensureTopic(topic, 1, SETTINGS);
  for await (const record of readAll(log, topic)) {
    if (record.key !== null && Buffer.compare(record.key, key) === 0) return;
  }
  await log.append(topic, [{ key, value: bytes, timestampMs: null }]);
}

export interface KeptDefinitions {
  /**
   * The service of this name and version, as it was with this fingerprint; or why it cannot be had, as a sentence. A fingerprint
   * alone names no service: whoever may read one must not be answered about another.
   */
  find(name: string, version: number, fingerprint: string): Promise<ServiceDefinition | string>;
}

/** `current`: those of this process. */
export function createKeptDefinitions(log: Log, namespace: string, current: Definitions): KeptDefinitions {
  return {
    async find(name, version, fingerprint) {
      const id = `${name}@${version}`;
      const here = serviceWith(current, id, fingerprint);
      if (here !== null) return here;
      for await (const { value } of readAll(log, definitionsTopic(namespace))) {
        const bundle = value === null ? null : unpackBundle(value);
        if (bundle === null || bundle.services[id] !== fingerprint) continue;
        const loaded = loadDefinitions(bundle.files, AGGREGATIONS);
        const service = loaded.ok ? serviceWith(loaded.definitions, id, fingerprint) : null;
        return service ?? `this version gives the definitions of ${id} with the fingerprint ${fingerprint} another one`;
      }
      return `the definitions of ${id} with the fingerprint ${fingerprint} are neither those given nor among those kept in namespace ${namespace}`;
    },
  };
}

/**
 * Those that run, or ran last: of what is kept, the definitions all of whose views are stored, and were kept alive last. Null:
 * none are.
 */
export async function deployedDefinitions(
  log: Log,
  namespace: string,
  stored: readonly StoredView[],
): Promise<Definitions | null> {
  const bundles: Bundle[] = [];
  for await (const { value } of readAll(log, definitionsTopic(namespace))) {
    const bundle = value === null ? null : unpackBundle(value);
    if (bundle !== null) bundles.push(bundle);
    if (bundles.length > DEPLOYED_LOOKED_AT_MAX) bundles.shift();
  }
  let newest: { readonly definitions: Definitions; readonly heartbeatMs: number } | null = null;
  for (const { files } of bundles) {
    const loaded = loadDefinitions(files, AGGREGATIONS);
    const heartbeatMs = loaded.ok ? leastHeartbeatMs(loaded.definitions, stored) : null;
    if (!loaded.ok || heartbeatMs === null) continue;
    if (newest === null || heartbeatMs >= newest.heartbeatMs) newest = { ...loaded, heartbeatMs };
  }
  return newest?.definitions ?? null;
}

function leastHeartbeatMs({ views }: Definitions, stored: readonly StoredView[]): number | null {
  let least: number | null = null;
  for (const view of views.values()) {
    const found = stored.find((each) => isOf(view, each));
    if (found === undefined) return null;
    least = Math.min(least ?? Infinity, found.heartbeatMs);
  }
  return least;
}

function serviceWith({ services }: Definitions, id: string, fingerprint: string): ServiceDefinition | null {
  const service = services.get(id);
  return service?.fingerprint === fingerprint ? service : null;
}

/** Nothing where there is no topic. */
async function* readAll(log: Log, topic: string): AsyncGenerator<LogRecord> {
  const [range] = (await log.ranges(topic)) ?? [];
  if (range === undefined) return;
  for (let offset = range.startOffset; offset < range.endOffset; ) {
    const records = await log.read(topic, 0, offset, RECORDS_PER_READ);
    if (records.length === 0) return;
    yield* records;
    offset = (records.at(-1) as LogRecord).offset + 1;
  }
}
