/** `skewless plan DIR`: what applying definitions would build, keep, leave behind and cost, against what is stored. */
import { Command } from 'commander';
import { AGGREGATIONS } from '../aggregate/table.ts';
import { defaultsFor } from '../config.ts';
import { type LogLocation, type StoreLocation, parseNamespace } from '../flag-values.ts';
import type { Definitions, SourceDefinition } from '../definition/definition.ts';
import { compileSourcePlaces } from '../definition/source-places.ts';
import { isRepartitioned } from '../log/entity-partition.ts';
import type { Log } from '../log/log.ts';
import { positionsTopic } from '../log/position-notes.ts';
import { deadLetterTopic } from '../materialize/dead-letters.ts';
import { repartitionOf } from '../materialize/repartition.ts';
import { compilePlan } from '../state/plan.ts';
import { priceOf } from '../state/price.ts';
import { openLogWithArchives } from './archives.ts';
import { type SecurityFlags, addLogFlags, addStoreFlags, openStore, warnOnStderr } from './connect.ts';
import { type Contracts, contractsText, examineContracts } from './contracts.ts';
import { addRegistryFlags, openSchemas } from './connect-registry.ts';
import { loadOrTell, readDefinitionFiles } from './definition-files.ts';
import { EXIT } from './exit.ts';
import { definitionsTopic, deployedDefinitions } from './kept-definitions.ts';
import { type StoredView, isOf, storedViews, usedSources, viewsOf } from './stored.ts';
import { formatCount, formatSize, formatTable } from './text.ts';
import { type TrailFlags, addTrailFlag, openTrail } from './trail-write.ts';

interface PlanFlags extends SecurityFlags, TrailFlags {
  readonly log?: LogLocation;
  readonly store?: StoreLocation;
  readonly namespace: string;
  readonly topics?: boolean;
  readonly deployed?: string;
  readonly accept?: boolean;
  readonly json?: boolean;
}

interface PlannedView {
  readonly view: string;
  readonly fingerprint: string;
  /** `keep`: its states are there. `resume`: they are, and are being built. `build`: from the log's start. */
  readonly action: 'keep' | 'resume' | 'build';
  /** Records to read for it; null where the log does not have the topic. */
  readonly records: number | null;
  /** Per entity, at most. */
  readonly bytes_max: number;
}

interface PlannedTopic {
  readonly topic: string;
  readonly exists: boolean;
  readonly partitions: number | null;
  readonly purpose: string;
}

export function planCommand(finish: (exitCode: number) => void): Command {
  const command = new Command('plan')
    .description(
      'Say what applying definitions would build, keep, leave behind and break, against what is stored, what is deployed and the newest records. Changes nothing.',
    )
    .argument('<dir>', 'folder of definitions (YAML)')
    .option('--namespace <name>', 'of the deployment', parseNamespace, 'default')
    .option('--topics', 'list the topics that the definitions need')
    .option(
      '--deployed <dir>',
      'folder of the definitions that are deployed; default: those that whoever folds has kept',
    )
    .option('--accept', 'exit 0 although contracts break')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nExit code 1: a contract breaks, and --accept was not said.\nExample:\n  skewless plan features/ --log kafka://broker:9092 --store redis://redis:6379',
    )
    .action(async (directory: string, flags: PlanFlags) => finish(await plan(directory, flags)));
  addLogFlags(command, '(default: sqlite:.skewless/log.sqlite)');
  addRegistryFlags(addTrailFlag(command, 'record contracts that were accepted although they break'));
  return addStoreFlags(command, '(default: sqlite:.skewless/store.sqlite)');
}

async function plan(directory: string, flags: PlanFlags): Promise<number> {
  const definitions = loadOrTell(directory);
  const deployed = flags.deployed === undefined ? null : loadOrTell(flags.deployed);
  if (definitions === null || (deployed === null && flags.deployed !== undefined)) return EXIT.finding;
  const schemas = await openSchemas(definitions.sources.values(), flags);
  const defaults = defaultsFor(directory);
  const log = await openLogWithArchives(flags.log ?? defaults.log, flags, definitions, directory, warnOnStderr);
  const trail = await openTrail(flags);
  const store = await openStore(flags.store ?? defaults.store, flags, flags.namespace, warnOnStderr);
  try {
    const topics = await plannedTopics(definitions, log, flags.namespace);
    const stored = await storedViews(store);
    const views = await plannedViews(definitions, stored, log);
    const left = stored.filter((each) => viewsOf(definitions, each).length === 0);
    const services = [...definitions.services.values()].map(({ id, fingerprint }) => ({ service: id, fingerprint }));
    const places = compileSourcePlaces(readDefinitionFiles(directory));
    const running = deployed ?? (await deployedDefinitions(log, flags.namespace, stored));
    const contracts = await examineContracts(definitions, running, { log, schemas }, places);
    if (flags.json === true) {
      const left_behind = left.map(({ source, entityKey, fingerprint }) => ({
        source,
        entity_key: entityKey,
        fingerprint,
      }));
      process.stdout.write(`${JSON.stringify({ views, left_behind, services, topics, contracts })}\n`);
    } else
      process.stdout.write(flags.topics === true ? topicsText(topics) : planText(views, left, services, contracts));
    if (contracts.breaks && flags.accept !== true && flags.topics !== true) return refuse(flags.json === true);
    if (contracts.breaks && flags.accept === true)
      await trail.record('plan_accept', directory, { contracts }, flags.namespace);
    return EXIT.ok;
  } finally {
    await trail.close();
    await store.close();
    await log.close();
  }
}

async function plannedViews(
  { views }: Definitions,
  stored: readonly StoredView[],
  log: Log,
): Promise<readonly PlannedView[]> {
  const planned: PlannedView[] = [];
  for (const view of views.values()) {
    const found = stored.find((each) => isOf(view, each));
    const ranges = await log.ranges(view.source.topic);
    const records = ranges?.map(({ partition, startOffset, endOffset }) => {
      const positions = found?.shards.flatMap(({ checkpoint }) => checkpoint.position[partition] ?? []) ?? [];
      return endOffset - (positions.length === 0 ? startOffset : Math.min(...positions));
    });
    planned.push({
      view: view.id,
      fingerprint: view.stateFingerprint,
      action: found === undefined ? 'build' : found.built ? 'keep' : 'resume',
      records: records?.reduce((sum, count) => sum + count, 0) ?? null,
      bytes_max: priceOf(compilePlan(view, AGGREGATIONS), AGGREGATIONS).bytesMax,
    });
  }
  return planned;
}

/** Those of sources are made by their owners, except in the embedded log; the others by whoever folds. */
async function plannedTopics(definitions: Definitions, log: Log, namespace: string): Promise<readonly PlannedTopic[]> {
  const topics: PlannedTopic[] = [];
  const add = async (topic: string, purpose: string): Promise<number | null> => {
    const partitions = (await log.ranges(topic))?.length ?? null;
    topics.push({ topic, exists: partitions !== null, partitions, purpose });
    return partitions;
  };
  for (const source of usedSources(definitions)) {
    const partitions = await add(source.topic, `events of source ${source.name}`);
    await add(deadLetterTopic(source.topic), `dead letters of source ${source.name}; made when it is folded`);
    await add(
      positionsTopic(namespace, source.name),
      `what was known when of source ${source.name}; made when it is folded`,
    );
    for (const keyColumns of keysOf(definitions, source)) {
      if (!isRepartitioned(source, keyColumns, partitions ?? 1)) continue;
      const { topic } = repartitionOf(namespace, source, keyColumns);
      await add(topic, `events of source ${source.name} by ${keyColumns.join(', ')}; made when it is folded`);
    }
  }
  await add(definitionsTopic(namespace), 'definitions as they were, for receipts; made when anything is folded');
  return topics;
}

/** Each once. */
function keysOf({ views }: Definitions, source: SourceDefinition): readonly (readonly string[])[] {
  const own = [...views.values()].filter((view) => view.source === source);
  return [...new Map(own.map(({ keyColumns }) => [keyColumns.join(','), keyColumns])).values()];
}

function topicsText(topics: readonly PlannedTopic[]): string {
  const rows = topics.map(({ topic, exists, partitions, purpose }) => [
    topic,
    exists ? formatCount(partitions ?? 0, 'partition') : 'missing',
    purpose,
  ]);
  return formatTable(['topic', 'state', 'for'], rows);
}

function planText(
  views: readonly PlannedView[],
  left: readonly StoredView[],
  services: readonly { readonly service: string; readonly fingerprint: string }[],
  contracts: Contracts,
): string {
  const rows = views.map(({ view, action, records, bytes_max: bytes }) => [
    view,
    action,
    records === null ? 'no topic' : String(records),
    formatSize(bytes),
  ]);
  const lines = [formatTable(['view', 'action', 'records to read', 'bytes per entity, at most'], rows)];
  if (left.length > 0) {
    lines.push(
      `\nStored and in none of these views; skewless prune frees them once nobody runs them:\n`,
      formatTable(
        ['source', 'entity key', 'fingerprint'],
        left.map(({ source, entityKey, fingerprint }) => [source, entityKey, fingerprint]),
      ),
    );
  }
  lines.push(
    '\nClients that name a fingerprint must name these, or are answered 409:\n',
    formatTable(
      ['service', 'fingerprint'],
      services.map(({ service, fingerprint }) => [service, fingerprint]),
    ),
    contractsText(contracts),
  );
  return lines.join('');
}

function refuse(isQuiet: boolean): number {
  if (!isQuiet) process.stdout.write('\nRefused: a contract breaks. Mend the definitions, or say --accept.\n');
  return EXIT.finding;
}
