/** `skewless audit`: rows as they were served, held against the log; once, or again and again. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Command } from 'commander';
import { AGGREGATIONS } from '../aggregate/table.ts';
import { defaultsFor } from '../config.ts';
import { type LogLocation, UsageError, parseEvery, parseNamespace, parseTime } from '../flag-values.ts';
import { systemClock } from '../core/clock.ts';
import { SkewlessError, messageOf } from '../core/errors.ts';
import type { Definitions } from '../definition/definition.ts';
import type { Schemas } from '../event/schemas.ts';
import type { Log } from '../log/log.ts';
import type { OpenLineageLocation } from '../openlineage/location.ts';
import { publish, readProgress } from '../replay/audit-log.ts';
import { type Audit, audit } from '../replay/audit.ts';
import type { ReadRange } from '../replay/event-reader.ts';
import { createLogReader } from '../replay/log-events.ts';
import { unwritable } from '../replay/work-folder.ts';
import { auditsTopic } from '../vector/audit-report.ts';
import { servedTopic } from '../vector/served-row.ts';
import { openLogWithArchives } from './archives.ts';
import { openAuditReporter } from './audit-report.ts';
import { auditJson, describeAudit, markdownOf, receiptsInvalid } from './audit-text.ts';
import { type SecurityFlags, addLogFlags, warnOnStderr } from './connect.ts';
import { addRegistryFlags, openSchemas } from './connect-registry.ts';
import { loadOrTell } from './definition-files.ts';
import { EXIT } from './exit.ts';
import { createKeptDefinitions } from './kept-definitions.ts';
import { addOpenLineageFlag } from './openlineage.ts';
import { showProgress } from './progress.ts';
import { formatCount } from './text.ts';
import { stopOnSignals } from './stop-on-signals.ts';

interface AuditFlags extends SecurityFlags {
  readonly definitions?: string;
  readonly log?: LogLocation;
  readonly namespace: string;
  readonly from?: number;
  readonly to?: number;
  readonly new?: boolean;
  readonly every?: number;
  readonly out?: string;
  readonly json?: boolean;
  readonly openlineage?: OpenLineageLocation;
}

export function auditCommand(finish: (exitCode: number) => void): Command {
  const command = new Command('audit')
    .description(
      'Hold rows that were served against the log: by their receipts every bit must be the same, by event time the report says what late data has cost.',
    )
    .option('--definitions <dir>', 'folder of definitions (YAML); default: the bundled flights example')
    .option('--namespace <name>', 'of the deployment that served', parseNamespace, 'default')
    .option('--from <time>', 'rows served from then on: RFC 3339 with an offset, or milliseconds', parseTime)
    .option('--to <time>', 'rows served before then', parseTime)
    .option('--new', 'rows that no audit with --new or --every has seen')
    .option('--every <duration>', 'audit new rows, and again each time this has passed: 15m, 1h', parseEvery)
    .option('--out <file>', 'report to write: .json, or .md for people')
    .option('--json', 'print one JSON object for each audit')
    .addHelpText(
      'after',
      '\nRows are logged where skewless start has --served-sample. Reports are published, and listed by GET /v1/audits. Exit code 1: something served was not what the log gives, or came with a receipt that is not its own.\nExamples:\n  skewless audit --definitions features/ --log kafka://broker:9092 --out audit.md\n  skewless audit --definitions features/ --log kafka://broker:9092 --every 1h',
    )
    .action(async (flags: AuditFlags) => finish(await runAudit(flags)));
  addRegistryFlags(command);
  return addLogFlags(addOpenLineageFlag(command), '(default: sqlite:.skewless/log.sqlite)');
}

async function runAudit(flags: AuditFlags): Promise<number> {
  checkFlags(flags);
  const defaults = defaultsFor(flags.definitions);
  const definitions = loadOrTell(defaults.definitionsDir);
  if (definitions === null) return EXIT.finding;
  const schemas = await openSchemas(definitions.sources.values(), flags);
  const location = flags.log ?? defaults.log;
  const audited = { definitions, log: location, namespace: flags.namespace };
  const reporter = await openAuditReporter(flags.openlineage, flags, audited);
  const log = await openLogWithArchives(location, flags, definitions, defaults.definitionsDir, warnOnStderr);
  const stop = stopOnSignals(new SkewlessError('aborted', 'stopped: nothing of this audit is published'));
  try {
    const once = (): Promise<Audit> =>
      reporter.tell(() => auditOnce({ flags, definitions, log, schemas, signal: stop.signal }));
    if (flags.every === undefined) return exitCodeOf(await once());
    return await repeat(once, flags.every, stop.signal);
  } finally {
    stop.release();
    await reporter.close();
    await log.close();
  }
}

function checkFlags({ from, to, new: onlyNew, every, out }: AuditFlags): void {
  const isRange = from !== undefined || to !== undefined;
  if (isRange && (onlyNew === true || every !== undefined)) {
    throw new UsageError(
      '--new and --every go on where the last audit was; --from and --to name rows by their times: leave out one',
    );
  }
  if (from !== undefined && to !== undefined && from >= to) throw new UsageError('--from is not before --to');
  if (out !== undefined && !/\.(json|md)$/i.test(out))
    throw new UsageError(`${out}: a report is a .json or a .md file`);
}

function exitCodeOf({ reports }: Audit): number {
  const isFound = reports.some(({ mismatched, skipped }) => mismatched > 0 || receiptsInvalid(skipped) > 0);
  return isFound ? EXIT.finding : EXIT.ok;
}

/** Until it is stopped. What passes by itself is told, and tried again the next time. */
async function repeat(once: () => Promise<Audit>, everyMs: number, signal: AbortSignal): Promise<number> {
  let exitCode: number = EXIT.ok;
  while (!signal.aborted) {
    try {
      exitCode = Math.max(exitCode, exitCodeOf(await once()));
    } catch (error) {
      if (signal.aborted) break;
      if (!(error instanceof SkewlessError && (error.retryable || PASSING.has(error.code)))) throw error;
      warnOnStderr(`skewless: ${messageOf(error)}; it is tried again`);
    }
    await delay(everyMs, undefined, { signal }).catch(() => undefined);
  }
  return exitCode;
}

/** Codes of errors that another process, or time, mends. */
const PASSING = new Set(['audit_running', 'nothing_served']);

interface OnceContext {
  readonly flags: AuditFlags;
  readonly definitions: Definitions;
  readonly log: Log;
  /** Null: no record names one. */
  readonly schemas: Schemas | null;
  readonly signal: AbortSignal;
}

async function auditOnce({ flags, definitions, log, schemas, signal }: OnceContext): Promise<Audit> {
  const { namespace, json } = flags;
  const onlyNew = flags.new === true || flags.every !== undefined;
  const topic = auditsTopic(namespace);
  const progress = onlyNew ? await readProgress(log, topic) : null;
  const served = createLogReader(log, servedTopic(namespace), 'the log');
  const ranges = await rangesOf(log, servedTopic(namespace), progress?.positions ?? {});
  const kept = createKeptDefinitions(log, namespace, definitions);
  const bar = showProgress('audit:');
  const folder = await mkdtemp(join(tmpdir(), 'skewless-audit-'));
  try {
    const found = await audit({
      serviceOf: (name, version, fingerprint) => kept.find(name, version, fingerprint),
      aggregations: AGGREGATIONS,
      readers: async (source) =>
        (await log.ranges(source.topic)) === null ? null : createLogReader(log, source.topic, 'the log', schemas),
      served,
      servedRanges: ranges,
      times: { fromMs: flags.from ?? -Infinity, untilMs: flags.to ?? Infinity },
      kind: onlyNew ? 'new' : 'range',
      nowMs: systemClock.nowMs(),
      workPath: join(folder, 'work'),
      signal,
      onProgress: (share, note) => bar.update(share, note),
    });
    bar.finish(formatCount(found.rows, 'row'));
    process.stdout.write(json === true ? `${auditJson(found)}\n` : describeAudit(found));
    await writeReport(flags.out, found);
    // Last: rows of a report that nobody has got must not count as audited.
    await publish(log, topic, found.reports, progress);
    return found;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function rangesOf(
  log: Log,
  topic: string,
  positions: Readonly<Record<string, { readonly next: number }>>,
): Promise<readonly ReadRange[]> {
  const ranges = await log.ranges(topic);
  if (ranges === null) {
    const message = `there is no topic ${topic}: nothing was logged as it was served; start with --served-sample 0.01 or so`;
    throw new SkewlessError('nothing_served', message);
  }
  return ranges.map(({ partition, startOffset, endOffset, startTimestampMs }) => {
    const from = Math.max(startOffset, positions[partition]?.next ?? 0);
    return { partition, from, next: endOffset, startTimestampMs };
  });
}

async function writeReport(path: string | undefined, found: Audit): Promise<void> {
  if (path === undefined) return;
  const text = path.toLowerCase().endsWith('.md') ? markdownOf(found) : `${auditJson(found)}\n`;
  try {
    await writeFile(path, text);
  } catch (cause) {
    throw unwritable(path, cause);
  }
}
