/** `skewless doctor`: looks at every connection, topic and setting that a deployment needs, and says the mend. */
import { Command } from 'commander';
import { defaultsFor } from '../config.ts';
import { type LogLocation, type StoreLocation, parseNamespace } from '../flag-values.ts';
import { systemClock } from '../core/clock.ts';
import { SkewlessError, messageOf } from '../core/errors.ts';
import type { Definitions, Partitioner, SourceDefinition } from '../definition/definition.ts';
import type { LogRecord } from '../event/event.ts';
import { listArchive } from '../log/archive-files.ts';
import type { Log, PartitionRange } from '../log/log.ts';
import { partitionOf } from '../log/partitioner.ts';
import type { Store } from '../store/store.ts';
import { archiveFolder, joinArchives } from './archives.ts';
import { type SecurityFlags, addLogFlags, addStoreFlags, openLog, openStore } from './connect.ts';
import { addRegistryFlags, openSchemas } from './connect-registry.ts';
import { loadOrTell } from './definition-files.ts';
import { examineKeys } from './doctor-keys.ts';
import { EXIT } from './exit.ts';
import { type Finding, fail, ok, warn } from './finding.ts';
import { isOf, storedViews, usedSources } from './stored.ts';
import { examineSubjects, subjectsOf } from './subjects.ts';
import { formatCount } from './text.ts';

interface DoctorFlags extends SecurityFlags {
  readonly definitions?: string;
  readonly log?: LogLocation;
  readonly store?: StoreLocation;
  readonly namespace: string;
  readonly keys?: string;
  readonly json?: boolean;
}

/** Records looked at in each partition, from its newest back. */
const SAMPLE_RECORDS = 50;

export function doctorCommand(finish: (exitCode: number) => void): Command {
  const command = new Command('doctor')
    .description(
      'Check every connection, topic, partitioner and setting that a deployment needs; say the mend of what is wrong.',
    )
    .option('--definitions <dir>', 'folder of definitions (YAML); default: the bundled flights example')
    .option('--namespace <name>', 'of the deployment', parseNamespace, 'default')
    .option('--keys <file>', 'file of keys to look at, too')
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nExit code 1: something must be mended; 3: the log or the store cannot be reached.\nExample:\n  skewless doctor --definitions features/ --log kafka://broker:9092 --store redis://redis:6379',
    )
    .action(async (flags: DoctorFlags) => finish(await doctor(flags)));
  addLogFlags(command, '(default: sqlite:.skewless/log.sqlite)');
  addRegistryFlags(command);
  return addStoreFlags(command, '(default: sqlite:.skewless/store.sqlite)');
}

async function doctor(flags: DoctorFlags): Promise<number> {
  const defaults = defaultsFor(flags.definitions);
  const definitions = loadOrTell(defaults.definitionsDir);
  if (definitions === null) return EXIT.finding;
  const findings: Finding[] = [
    ok('definitions', `${definitions.views.size} views of ${definitions.sources.size} sources`),
  ];
  let unreachable = false;
  const examine = async (what: string, work: () => Promise<readonly Finding[]>): Promise<void> => {
    try {
      findings.push(...(await work()));
    } catch (error) {
      unreachable ||= error instanceof SkewlessError && error.retryable;
      findings.push(fail(what, messageOf(error), mendOf(what, error)));
    }
  };
  const opened = await openLog(
    flags.log ?? defaults.log,
    flags,
    (message) => void findings.push(warn('log', message, 'see the log of Kafka')),
  );
  const log = await joinArchives(opened, definitions, defaults.definitionsDir, (message) => {
    findings.push(warn('archive', message, 'run skewless archive more often than the log forgets'));
  });
  const store = await openStore(flags.store ?? defaults.store, flags, flags.namespace, (message) => {
    findings.push(warn('store', message, 'see docs/redis.md'));
  });
  for (const source of usedSources(definitions)) {
    const folder = archiveFolder(source, defaults.definitionsDir);
    if (!unreachable) await examine('log', () => examineSource(log, source, folder));
  }
  await examine('schema-registry', () => examineRegistry(definitions, flags));
  await examine('store', () => examineStore(store, definitions));
  const { keys } = flags;
  if (keys !== undefined) await examine('keys', () => examineKeys(keys, definitions, systemClock.nowMs()));
  await store.close();
  await log.close();
  report(findings, flags.json === true);
  if (unreachable) return EXIT.unreachable;
  return findings.some(({ level }) => level === 'fail') ? EXIT.finding : EXIT.ok;
}

function mendOf(what: string, error: unknown): string {
  if (error instanceof SkewlessError && error.retryable)
    return `check --${what}, that it runs, and that this machine may reach it`;
  return 'see the message';
}

async function examineSource(log: Log, source: SourceDefinition, archive: string | null): Promise<readonly Finding[]> {
  const what = `source ${source.name}`;
  const ranges = await log.ranges(source.topic);
  if (ranges === null) {
    const mend = log.makesTopics
      ? 'nothing: it is made at the first event'
      : `make the topic, or mend the name in the definitions`;
    return [(log.makesTopics ? warn : fail)(what, `topic ${source.topic} does not exist`, mend)];
  }
  const records = ranges.reduce((sum, { startOffset, endOffset }) => sum + endOffset - startOffset, 0);
  return [
    ok(what, `topic ${source.topic}: ${ranges.length} partitions, ${records} records`),
    ...historyOf(source, ranges),
    ...(archive === null ? [] : await archiveOf(source, ranges, archive)),
    ...(await placementOf(log, source, ranges)),
  ];
}

/** How far the archive is behind; whether it is of this log, and reaches it, asking for ranges has shown. */
async function archiveOf(
  { name }: SourceDefinition,
  ranges: readonly PartitionRange[],
  folder: string,
): Promise<readonly Finding[]> {
  const what = `archive of source ${name}`;
  const listed = await listArchive(folder);
  if (listed.size === 0) {
    return [warn(what, `${folder} holds nothing yet`, `run skewless archive --source ${name}, and again and again`)];
  }
  const stretches = [...listed.values()].flat();
  const files = stretches.reduce((sum, stretch) => sum + stretch.files.length, 0);
  const behind = ranges.reduce((sum, { partition, endOffset }) => {
    const next = listed.get(partition)?.at(-1)?.next ?? 0;
    return sum + Math.max(0, endOffset - next);
  }, 0);
  return [ok(what, `${folder}: ${formatCount(files, 'file')}; ${behind} records of the log are not in it yet`)];
}

/** What the registry has of each source that needs it. */
async function examineRegistry({ sources }: Definitions, flags: DoctorFlags): Promise<readonly Finding[]> {
  const schemas = await openSchemas(sources.values(), flags);
  const findings: Finding[] = [];
  for (const source of sources.values()) {
    const what = `schemas of source ${source.name}`;
    const found = await examineSubjects(source, schemas);
    const subjects = schemas === null ? [] : subjectsOf(source);
    if (found.length === 0 && subjects.length > 0) findings.push(ok(what, `${subjects.join(' and ')} fit the fields`));
    for (const { subject, schema_id: id, field, message, breaks } of found) {
      const isMissing = field === null;
      const mend = isMissing ? `register a schema of ${subject}, without which events cannot be ingested` : REDECLARE;
      findings.push(
        (breaks ? fail : warn)(what, isMissing ? message : `${subject}, schema ${id}: ${field}: ${message}`, mend),
      );
    }
  }
  return findings;
}

const REDECLARE = 'declare the field as the schema has it, or register a schema that has it as declared';

function historyOf(source: SourceDefinition, ranges: readonly PartitionRange[]): readonly Finding[] {
  const truncated = ranges.filter(({ startOffset }) => startOffset > 0);
  if (truncated.length === 0 || source.historyComplete) return [];
  return [
    warn(
      `source ${source.name}`,
      `${truncated.length} partitions of topic ${source.topic} no longer begin at offset 0: windows that reach further back are INCOMPLETE`,
      'raise the retention of the topic above the longest window, keep an archive of it, or say history: complete where nothing is missing',
    ),
  ];
}

/** Whether keys of a sample lead to the partitions they are in. */
async function placementOf(
  log: Log,
  source: SourceDefinition,
  ranges: readonly PartitionRange[],
): Promise<readonly Finding[]> {
  if (ranges.length === 1 || source.partitioner === 'unknown' || source.key.fields.length === 0) return [];
  const sample: LogRecord[] = [];
  for (const { partition, startOffset, endOffset } of ranges) {
    const from = Math.max(startOffset, endOffset - SAMPLE_RECORDS);
    sample.push(...(await log.read(source.topic, partition, from, SAMPLE_RECORDS)));
  }
  const keyed = sample.filter(({ key }) => key !== null);
  const what = `source ${source.name}`;
  if (keyed.length < sample.length) {
    return [
      fail(
        what,
        `${sample.length - keyed.length} of ${sample.length} records have no key, and a key is declared`,
        'key the records, or declare partitioner: unknown',
      ),
    ];
  }
  const fits = (by: Partitioner): boolean =>
    keyed.every(({ key, partition }) => partitionOf(key, ranges.length, by) === partition);
  if (fits(source.partitioner))
    return [ok(what, `the keys of ${keyed.length} records are where ${source.partitioner} puts them`)];
  const other = (['murmur2', 'crc32'] as const).find(fits);
  return [
    fail(
      what,
      `of ${keyed.length} records some are not where ${source.partitioner} puts their keys: readers would look elsewhere`,
      `declare partitioner: ${other ?? 'unknown'}`,
    ),
  ];
}

async function examineStore(store: Store, definitions: Definitions): Promise<readonly Finding[]> {
  await store.ping();
  const stored = await storedViews(store);
  const views = [...definitions.views.values()];
  const built = views.filter((view) => stored.some((each) => isOf(view, each) && each.built));
  const findings = [ok('store', `answers; ${stored.length} fingerprints are stored`)];
  if (built.length < views.length) {
    findings.push(
      warn(
        'store',
        `${views.length - built.length} of ${views.length} views are not built`,
        'run a process with --role materialize; skewless plan says what it will read',
      ),
    );
  }
  const left = stored.filter((each) => views.every((view) => !isOf(view, each)));
  if (left.length > 0) {
    findings.push(warn('store', `${left.length} stored fingerprints are of no view`, 'skewless prune frees them'));
  }
  return findings;
}

function report(findings: readonly Finding[], json: boolean): void {
  if (json) {
    process.stdout.write(`${JSON.stringify({ ok: findings.every(({ level }) => level !== 'fail'), findings })}\n`);
    return;
  }
  for (const { level, what, message, mend } of findings) {
    process.stdout.write(`${level.padEnd(4)}  ${what}: ${message}\n${mend === null ? '' : `      mend: ${mend}\n`}`);
  }
}
