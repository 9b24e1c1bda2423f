/** `skewless archive`: keeps a source's records in Parquet files, so that builds reach back beyond what the log holds. */
import { Command } from 'commander';
import { defaultsFor } from '../config.ts';
import { type LogLocation, UsageError } from '../flag-values.ts';
import { systemClock } from '../core/clock.ts';
import type { SourceDefinition } from '../definition/definition.ts';
import { type ArchiveResult, runArchive } from '../log/archive-run.ts';
import { archiveFolder } from './archives.ts';
import { type SecurityFlags, addLogFlags, openLog, warnOnStderr } from './connect.ts';
import { loadOrTell } from './definition-files.ts';
import { EXIT } from './exit.ts';
import { showProgress } from './progress.ts';
import { sourceNamed } from './source-named.ts';
import { formatCount } from './text.ts';
import { stopOnSignals } from './stop-on-signals.ts';

interface ArchiveFlags extends SecurityFlags {
  readonly source?: string;
  readonly definitions?: string;
  readonly log?: LogLocation;
  readonly out?: string;
  readonly json?: boolean;
}

export function archiveCommand(finish: (exitCode: number) => void): Command {
  const command = new Command('archive')
    .description(
      "Keep a source's records in Parquet files, so that builds reach back beyond what the log holds. Run again, it goes on where it was.",
    )
    .option('--source <name>', 'source whose topic is kept (required)')
    .option(
      '--definitions <dir>',
      'folder of definitions (YAML) that declares it; default: the bundled flights example',
    )
    .option('--out <folder>', "folder of the files; default: the source's archive")
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nBuilds read what the source names as its archive. Exit code 1: some partitions could not be kept; the message says the mend.\nExample:\n  skewless archive --source orders --definitions features/ --log kafka://broker:9092',
    )
    .action(async (flags: ArchiveFlags) => finish(await archive(flags)));
  return addLogFlags(command, '(default: sqlite:.skewless/log.sqlite)');
}

async function archive(flags: ArchiveFlags): Promise<number> {
  if (flags.source === undefined) throw new UsageError('archive needs --source, the source whose topic is kept');
  const defaults = defaultsFor(flags.definitions);
  const definitions = loadOrTell(defaults.definitionsDir);
  if (definitions === null) return EXIT.finding;
  const source = sourceNamed(definitions, flags.source);
  const folder = flags.out ?? archiveFolder(source, defaults.definitionsDir);
  if (folder === null) {
    throw new UsageError(
      `source ${source.name} names no archive: say archive: FOLDER in its definition, or --out FOLDER`,
    );
  }
  const log = await openLog(flags.log ?? defaults.log, flags, warnOnStderr);
  const stop = stopOnSignals();
  const progress = showProgress(`${source.name}:`);
  try {
    const result = await runArchive({
      log,
      topic: source.topic,
      folder,
      clock: systemClock,
      signal: stop.signal,
      onProgress: (share, offsets) => progress.update(share, formatCount(offsets, 'record')),
    });
    progress.finish(formatCount(recordsOf(result), 'record'));
    report(source, folder, result, flags.json === true);
    return result.problems.length === 0 ? EXIT.ok : EXIT.finding;
  } finally {
    stop.release();
    await log.close();
  }
}

const recordsOf = ({ partitions }: ArchiveResult): number => partitions.reduce((sum, { records }) => sum + records, 0);

function report({ name, topic }: SourceDefinition, folder: string, result: ArchiveResult, json: boolean): void {
  const { partitions, problems } = result;
  if (json) {
    const kept = partitions.map(({ partition, from, next, records, files }) => ({
      partition,
      from,
      next,
      records,
      files,
    }));
    process.stdout.write(`${JSON.stringify({ source: name, topic, folder, partitions: kept, problems })}\n`);
    return;
  }
  for (const { code, message } of problems) process.stdout.write(`${code}: ${message}\n`);
  const files = partitions.reduce((sum, work) => sum + work.files, 0);
  process.stdout.write(
    `${name}: ${formatCount(recordsOf(result), 'record')} in ${formatCount(files, 'new file')}, in ${folder}\n`,
  );
}
