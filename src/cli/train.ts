/** `skewless train`: labels with the vectors that serving would have answered at their times, as Parquet. */
import { Command, Option } from 'commander';
import { AGGREGATIONS } from '../aggregate/table.ts';
import { defaultsFor } from '../config.ts';
import { type LogLocation, UsageError, parseNamespace } from '../flag-values.ts';
import { systemClock } from '../core/clock.ts';
import { SkewlessError } from '../core/errors.ts';
import { nearestName } from '../core/suggest.ts';
import type { Definitions, ServiceDefinition, SourceDefinition } from '../definition/definition.ts';
import { findVersioned } from '../definition/find.ts';
import type { DefinitionFile } from '../definition/parse.ts';
import type { Schemas } from '../event/schemas.ts';
import type { Log } from '../log/log.ts';
import type { OpenLineageLocation } from '../openlineage/location.ts';
import { positionsTopic } from '../log/position-notes.ts';
import type { EventReader } from '../replay/event-reader.ts';
import type { Knowledge, PositionIndex } from '../replay/known-times.ts';
import { createLogReader } from '../replay/log-events.ts';
import { type Manifest, manifestPath } from '../replay/manifest.ts';
import { readPositionIndex } from '../replay/position-index.ts';
import { trainServed } from '../replay/train-served.ts';
import { train } from '../replay/train.ts';
import type { TrainingSetOptions } from '../replay/train-run.ts';
import { servedTopic } from '../vector/served-row.ts';
import { openLogWithArchives } from './archives.ts';
import { type SecurityFlags, addLogFlags, warnOnStderr } from './connect.ts';
import { addRegistryFlags, openSchemas } from './connect-registry.ts';
import { compileOrTell, readDefinitionFiles } from './definition-files.ts';
import { openEventFiles } from './event-files.ts';
import { EXIT } from './exit.ts';
import { addOpenLineageFlag } from './openlineage.ts';
import { showProgress } from './progress.ts';
import { sourceNamed } from './source-named.ts';
import { formatCount, formatTable } from './text.ts';
import { checkOut } from './train-out.ts';
import { reportTraining } from './train-report.ts';
import { stopOnSignals } from './stop-on-signals.ts';

/** By source. */
type Named = ReadonlyMap<string, readonly string[]>;

interface TrainFlags extends SecurityFlags {
  readonly service?: string;
  readonly labels?: string;
  readonly out?: string;
  readonly knowledge: Knowledge | 'served';
  readonly namespace: string;
  readonly sample: number;
  readonly features?: readonly string[];
  readonly statuses?: boolean;
  readonly definitions?: string;
  readonly log?: LogLocation;
  readonly events?: Named;
  readonly arrival?: Named;
  readonly json?: boolean;
  readonly openlineage?: OpenLineageLocation;
}

export function trainCommand(finish: (exitCode: number) => void): Command {
  const command = new Command('train')
    .description(
      'Build a training set: labels with the feature vectors of their times, by the code that serves. Run again after an interruption, it goes on where it was.',
    )
    .option('--service <name>', 'feature service whose vectors are wanted: name or name@version (required)')
    .option(
      '--labels <file>',
      'rows with entity keys, a timestamp (the as_of), request inputs and any other columns: .parquet, .csv or .jsonl (required)',
    )
    .option('--out <file>', 'Parquet file to write; a manifest goes beside it (required)')
    .addOption(
      new Option(
        '--knowledge <kind>',
        'use what was true at the timestamp, what the server could have known then, or what it has served (of the served log)',
      )
        .choices(['event-time', 'arrival', 'served'])
        .default('event-time'),
    )
    .option('--sample <share>', 'share of the labels, chosen by what they ask: 0.1', parseShare, 1)
    .option('--features <names>', 'some of the features, joined with commas', (text: string) => text.split(','))
    .option('--statuses', 'a column with the status of each feature, too')
    .option('--definitions <dir>', 'folder of definitions (YAML); default: the bundled flights example')
    .option(
      '--namespace <name>',
      'of the deployment whose notes, and whose served log, are read',
      parseNamespace,
      'default',
    )
    .option('--events <source=file>', "file of events in place of the source's topic; may be repeated", parseNamed)
    .option('--arrival <source=column>', 'column of these files that says when each event arrived', parseNamed)
    .option('--json', 'print the manifest')
    .addHelpText(
      'after',
      '\nEvents come from the log, or all from files.\nExamples:\n  skewless train --service departure_delay --labels labels.parquet --out train.parquet\n  skewless train --service churn --labels labels.csv --out train.parquet --definitions features/ --events orders=orders.parquet',
    )
    .action(async (flags: TrainFlags) => finish(await runTrain(flags)));
  addRegistryFlags(command);
  return addLogFlags(addOpenLineageFlag(command), '(default: sqlite:.skewless/log.sqlite)');
}

async function runTrain(flags: TrainFlags): Promise<number> {
  const { service: name, labels: labelsPath, out: outPath } = flags;
  if (name === undefined) throw new UsageError('train needs --service, the feature service whose vectors are wanted');
  if (labelsPath === undefined) throw new UsageError('train needs --labels, a file of rows to make vectors for');
  if (outPath === undefined) throw new UsageError('train needs --out, the Parquet file to write');
  checkOut(outPath, inputsOf(labelsPath, flags));
  checkArrival(flags);
  const defaults = defaultsFor(flags.definitions);
  const definitionFiles = readDefinitionFiles(defaults.definitionsDir);
  const definitions = compileOrTell(definitionFiles);
  if (definitions === null) return EXIT.finding;
  const service = serviceNamed(definitions, name);
  const features = flags.features === undefined ? null : checkFeatures(service, flags.features);
  const location = flags.log ?? defaults.log;
  const log =
    flags.events === undefined
      ? await openLogWithArchives(location, flags, definitions, defaults.definitionsDir, warnOnStderr)
      : null;
  const schemas = log === null ? null : await openSchemas(definitions.sources.values(), flags);
  const stop = stopOnSignals(stopped(outPath));
  const progress = showProgress(`${service.name}:`);
  const report = await reportTraining(flags.openlineage, flags, {
    service,
    labelsPath,
    outPath,
    events: log === null ? (flags.events ?? new Map<string, readonly string[]>()) : location,
  });
  const common = {
    service,
    aggregations: AGGREGATIONS,
    features,
    labelsPath,
    outPath,
    sample: flags.sample,
    statuses: flags.statuses === true,
    signal: stop.signal,
    onProgress: (share: number, note: string): void => progress.update(share, note),
  };
  try {
    const manifest = await trainBy(flags, common, { log, schemas, definitions, definitionFiles, location });
    progress.finish(formatCount(manifest.rows, 'row'));
    report.complete(manifest.columns);
    process.stdout.write(flags.json === true ? `${JSON.stringify(manifest)}\n` : describe(outPath, manifest));
    return EXIT.ok;
  } catch (error) {
    report.fail(error);
    throw error;
  } finally {
    stop.release();
    await report.close();
    await log?.close();
  }
}

function checkArrival({ events, arrival = new Map() }: TrainFlags): void {
  const [source] = arrival.keys();
  if (source === undefined || events !== undefined) return;
  throw new UsageError(
    `--arrival names a column of files, and events are read from the log: add --events ${source}=FILE, or leave it out`,
  );
}

/** Files that are read, with the flag of each. */
function inputsOf(labelsPath: string, { events = new Map() }: TrainFlags): ReadonlyMap<string, string> {
  const files = [...events].flatMap(([, paths]) => paths);
  return new Map([...files.map((path) => [path, '--events'] as const), [labelsPath, '--labels']]);
}

interface Place {
  /** Null: events are in files. */
  readonly log: Log | null;
  readonly schemas: Schemas | null;
  readonly definitions: Definitions;
  readonly definitionFiles: readonly DefinitionFile[];
  readonly location: LogLocation;
}

async function trainBy(flags: TrainFlags, common: TrainingSetOptions, place: Place): Promise<Manifest> {
  const { log, schemas, definitions, definitionFiles, location } = place;
  const { knowledge, namespace } = flags;
  const { service, signal } = common;
  if (knowledge === 'served') {
    if (log === null) throw new UsageError('--knowledge served takes what was served from the log: leave out --events');
    return trainServed({ ...common, served: createLogReader(log, servedTopic(namespace), formatLocation(location)) });
  }
  const readers =
    log === null
      ? await openFiles(definitions, service, flags)
      : readTopics(log, schemas, service, formatLocation(location));
  const positionIndex =
    log === null || knowledge === 'event-time' ? null : await readIndex(log, service, namespace, signal);
  const nowMs = systemClock.nowMs();
  return train({ ...common, readers, knowledge, positionIndex, definitionFiles, nowMs });
}

function stopped(outPath: string): SkewlessError {
  return new SkewlessError('aborted', `${outPath}: stopped; run the same command again to go on`);
}

/** A log is told by its name in the manifest: flags hold no password. */
function formatLocation(location: LogLocation): string {
  return location.kind === 'sqlite' ? `sqlite:${location.file}` : `kafka://${location.brokers.join(',')}`;
}

function serviceNamed({ services }: Definitions, name: string): ServiceDefinition {
  const service = findVersioned(services, name);
  if (service !== null) return service;
  const names = [...new Set([...services.values()].map((each) => each.name))];
  const near = nearestName(name, [...names, ...services.keys()]);
  throw new UsageError(
    `there is no service ${name}; ${near === null ? `defined are: ${names.join(', ') || 'none'}` : `did you mean ${near}?`}`,
  );
}

function checkFeatures(service: ServiceDefinition, features: readonly string[]): readonly string[] {
  const known = service.features.map(({ name }) => name);
  for (const [index, feature] of features.entries()) {
    if (features.indexOf(feature) < index) throw new UsageError(`--features: ${feature} is named twice`);
    if (known.includes(feature)) continue;
    const near = nearestName(feature, known);
    const hint = near === null ? `it has: ${known.join(', ')}` : `did you mean ${near}?`;
    throw new UsageError(`--features: service ${service.name} has no feature "${feature}"; ${hint}`);
  }
  return features;
}

function sourcesOf(service: ServiceDefinition): readonly SourceDefinition[] {
  return [...new Map(service.appearances.map(({ view }) => [view.source.name, view.source])).values()];
}

function readTopics(
  log: Log,
  schemas: Schemas | null,
  service: ServiceDefinition,
  location: string,
): ReadonlyMap<string, EventReader> {
  return new Map(sourcesOf(service).map(({ name, topic }) => [name, createLogReader(log, topic, location, schemas)]));
}

/** Of what owners have noted of the service's sources. */
async function readIndex(
  log: Log,
  service: ServiceDefinition,
  namespace: string,
  signal: AbortSignal,
): Promise<PositionIndex> {
  const readers = new Map<string, EventReader>();
  for (const { name } of sourcesOf(service)) {
    const topic = positionsTopic(namespace, name);
    if ((await log.ranges(topic)) !== null) readers.set(name, createLogReader(log, topic, topic, null));
  }
  return readPositionIndex(readers, { signal, nowMs: systemClock.nowMs() });
}

/** All that the service reads must be there: a source without events would be a quiet one. */
async function openFiles(
  definitions: Definitions,
  service: ServiceDefinition,
  { events = new Map(), arrival = new Map() }: TrainFlags,
): Promise<ReadonlyMap<string, EventReader>> {
  for (const name of [...events.keys(), ...arrival.keys()]) sourceNamed(definitions, name);
  const readers = new Map<string, EventReader>();
  for (const source of sourcesOf(service)) {
    const files = events.get(source.name);
    const [column = null, other] = arrival.get(source.name) ?? [];
    if (files === undefined) {
      throw new UsageError(`service ${service.name} reads source ${source.name}, too: --events ${source.name}=FILE`);
    }
    if (other !== undefined) throw new UsageError(`--arrival names two columns of source ${source.name}`);
    readers.set(source.name, await openEventFiles(source, files, column));
  }
  return readers;
}

function parseShare(text: string): number {
  const share = Number(text);
  if (/^(0?\.\d+|1(\.0+)?)$/.test(text) && share > 0) return share;
  throw new UsageError(`"${text}" is not a share; expected a number above 0, at most 1, such as 0.1`);
}

/** `source=value`, once more with each flag. */
function parseNamed(text: string, before: Named | undefined): Named {
  const [, source, value] = /^([a-z][a-z0-9_]*)=(.+)$/s.exec(text) ?? [];
  if (source === undefined || value === undefined) {
    throw new UsageError(`"${text}" is not of the form source=…, such as orders=orders.parquet`);
  }
  const named = new Map(before);
  named.set(source, [...(named.get(source) ?? []), value]);
  return named;
}

function describe(outPath: string, manifest: Manifest): string {
  const { rows, columns, events, late_data: lateData, served } = manifest;
  const features = columns.filter(({ role }) => role === 'feature').length;
  const from =
    served === null
      ? `from ${formatCount(events.folded, 'event')}`
      : `as they were served; ${formatCount(served.unmatched, 'label')} without a served row left out`;
  const said = `${outPath}: ${formatCount(rows, 'row')}, ${formatCount(features, 'feature')}, ${from} (${manifestPath(outPath)})\n`;
  if (lateData === null) return said;
  const table = lateData.map((each) => [
    String(each['feature']),
    String(each['differing']),
    String(each['missing']),
    String(each['extra']),
    formatDifference(each['mean_difference']),
    formatDifference(each['largest_difference']),
  ]);
  const head = ['feature: known against true', 'rows differ', 'missing', 'extra', 'mean', 'largest'];
  return `${said}\n${formatTable(head, table)}`;
}

function formatDifference(value: unknown): string {
  return typeof value === 'number' ? value.toPrecision(4) : '';
}
