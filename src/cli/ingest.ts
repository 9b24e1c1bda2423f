/** `skewless ingest`: a file's records into a source's log. Run again after an interruption, it goes on where it was. */
import { Command } from 'commander';
import { defaultsFor } from '../config.ts';
import { type LogLocation, UsageError } from '../flag-values.ts';
import { SkewlessError } from '../core/errors.ts';
import { prepareEncoding } from '../event/wire-encoding.ts';
import { validateEvent } from '../event/validate.ts';
import { type IngestResult, ingestFile } from '../log/ingest-file.ts';
import { type SecurityFlags, addLogFlags, openLog, warnOnStderr } from './connect.ts';
import { addRegistryFlags, openSchemas } from './connect-registry.ts';
import { loadOrTell } from './definition-files.ts';
import { EXIT } from './exit.ts';
import { showProgress } from './progress.ts';
import { sourceNamed } from './source-named.ts';
import { stopOnSignals } from './stop-on-signals.ts';

interface IngestFlags extends SecurityFlags {
  readonly source?: string;
  readonly definitions?: string;
  readonly log?: LogLocation;
  readonly json?: boolean;
}

export function ingestCommand(finish: (exitCode: number) => void): Command {
  const command = new Command('ingest')
    .description("Append a file's records (JSON lines, CSV or Parquet; the first two also gzipped) to a source's log.")
    .argument('<file>', 'file to read: .jsonl, .ndjson, .csv, each also with .gz, or .parquet')
    .option('--source <name>', 'source that the records are events of (required)')
    .option(
      '--definitions <dir>',
      'folder of definitions (YAML) that declares the source; default: the bundled flights example',
    )
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nA record that the source does not allow is reported and left out; exit code 1 says that there were some.\nExample:\n  skewless ingest --definitions features/ --source orders orders.csv',
    )
    .action(async (file: string, flags: IngestFlags) => finish(await ingest(file, flags)));
  addRegistryFlags(command);
  return addLogFlags(command, '(default: sqlite:.skewless/log.sqlite)');
}

async function ingest(file: string, flags: IngestFlags): Promise<number> {
  if (flags.source === undefined)
    throw new UsageError('ingest needs --source, the source that the records are events of');
  const defaults = defaultsFor(flags.definitions);
  const definitions = loadOrTell(defaults.definitionsDir);
  if (definitions === null) return EXIT.finding;
  const source = sourceNamed(definitions, flags.source);
  const encoding = await prepareEncoding(source, await openSchemas([source], flags));
  if (typeof encoding === 'string') throw new SkewlessError('no_schema', encoding);
  const log = await openLog(flags.log ?? defaults.log, flags, warnOnStderr);
  const stop = stopOnSignals();
  const progress = showProgress(`${source.name}:`);
  try {
    const onProgress = (share: number | null, { appended }: IngestResult): void =>
      progress.update(share, `${appended} events`);
    const result = await ingestFile({
      log,
      source,
      path: file,
      validate: (_source, json) => validateEvent(source, json, encoding),
      onProgress,
      signal: stop.signal,
    });
    progress.finish(`${result.appended} events`);
    report(file, result, flags.json === true);
    return result.rejected === 0 ? EXIT.ok : EXIT.finding;
  } finally {
    stop.release();
    await log.close();
  }
}

function report(file: string, { read, appended, skipped, rejected, rejections }: IngestResult, json: boolean): void {
  if (json) {
    process.stdout.write(`${JSON.stringify({ file, read, appended, skipped, rejected, rejections })}\n`);
    return;
  }
  for (const { number, code, message } of rejections) process.stdout.write(`${file}:${number}: ${code}: ${message}\n`);
  if (rejected > rejections.length) process.stdout.write(`… and ${rejected - rejections.length} more\n`);
  const already = skipped === 0 ? '' : `, ${skipped} were in the log already`;
  process.stdout.write(`${file}: ${appended} events appended, ${rejected} rejected${already}\n`);
}
