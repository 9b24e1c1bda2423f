/** `skewless dlq`: looks into the dead-letter topics, and gives records another chance. */
import { Command } from 'commander';
import { defaultsFor } from '../config.ts';
import { type LogLocation, UsageError, parseNamespace } from '../flag-values.ts';
import { systemClock } from '../core/clock.ts';
import type { Definitions, SourceDefinition } from '../definition/definition.ts';
import type { Schemas } from '../event/schemas.ts';
import type { Log } from '../log/log.ts';
import { type SecurityFlags, addLogFlags, openLog, warnOnStderr } from './connect.ts';
import { addRegistryFlags, openSchemas } from './connect-registry.ts';
import { loadOrTell } from './definition-files.ts';
import { type Replayed, replayLetters } from './dlq-replay.ts';
import { type Found, lettersOf } from './dlq-topic.ts';
import { EXIT } from './exit.ts';
import { showProgress } from './progress.ts';
import { usedSources } from './stored.ts';
import { formatCount, formatTable } from './text.ts';
import { type TrailFlags, addTrailFlag, openTrail } from './trail-write.ts';

interface DlqFlags extends SecurityFlags, TrailFlags {
  readonly definitions?: string;
  readonly source?: string;
  readonly log?: LogLocation;
  readonly namespace: string;
  readonly reason?: string;
  readonly limit: number;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

const LIMIT = 20;

export function dlqCommand(finish: (exitCode: number) => void): Command {
  const command = new Command('dlq').description('Records that no view, or not every view, could take.');
  command.addCommand(
    withFlags(
      new Command('list')
        .description('List dead letters, newest first, and count them by reason.')
        .option('--reason <code>', 'only those rejected for this reason')
        .option('--limit <n>', 'how many to list', parseLimit, LIMIT)
        .addHelpText(
          'after',
          '\nExample:\n  skewless dlq list --definitions features/ --source orders --reason wrong_type',
        ),
    ).action(async (flags: DlqFlags) => finish(await run(flags, list))),
  );
  command.addCommand(
    withFlags(
      addTrailFlag(new Command('replay'))
        .description('Append records again that the views which rejected them would take now.')
        .option('--reason <code>', 'only those rejected for this reason')
        .option('--dry-run', 'say what would be appended, and append nothing')
        .addHelpText(
          'after',
          '\nA record counts for the views that rejected it and for no other, and is appended once however often this is\n' +
            'run or killed. Definitions that were mended build from the log by themselves, and need no replay.\n' +
            'Example:\n  skewless dlq replay --definitions features/ --source orders',
        ),
    ).action(async (flags: DlqFlags) => finish(await run(flags, replay))),
  );
  return command;
}

function withFlags(command: Command): Command {
  command
    .option('--definitions <dir>', 'folder of definitions (YAML); default: the bundled flights example')
    .option('--source <name>', 'only of this source')
    .option('--namespace <name>', 'of the deployment; letters are the same for all', parseNamespace, 'default')
    .option('--json', 'print one JSON object');
  addRegistryFlags(command);
  return addLogFlags(command, '(default: sqlite:.skewless/log.sqlite)');
}

function parseLimit(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new UsageError(`"${text}" is not a number of letters; expected 1 to 999999`);
  return Number(text);
}

type Work = (
  log: Log,
  definitions: Definitions,
  sources: readonly SourceDefinition[],
  flags: DlqFlags,
) => Promise<number>;

async function run(flags: DlqFlags, work: Work): Promise<number> {
  const defaults = defaultsFor(flags.definitions);
  const definitions = loadOrTell(defaults.definitionsDir);
  if (definitions === null) return EXIT.finding;
  const all = usedSources(definitions);
  const sources = all.filter(({ name }) => flags.source === undefined || name === flags.source);
  if (sources.length === 0)
    throw new UsageError(
      `there is no source ${flags.source} with views; there are: ${all.map(({ name }) => name).join(', ')}`,
    );
  const log = await openLog(flags.log ?? defaults.log, flags, warnOnStderr);
  try {
    return await work(log, definitions, sources, flags);
  } finally {
    await log.close();
  }
}

const list: Work = async (log, _definitions, sources, { reason, limit, json }) => {
  const counts = new Map<string, number>();
  const newest: Found[] = [];
  for (const source of sources) {
    for await (const found of lettersOf(log, source)) {
      const codes = new Set(found.letter.rejections.map(({ code }) => code));
      for (const code of codes) counts.set(code, (counts.get(code) ?? 0) + 1);
      if (reason !== undefined && !codes.has(reason)) continue;
      newest.unshift(found);
      if (newest.length > limit) newest.pop();
    }
  }
  if (json === true) {
    const items = newest.map(({ letterOffset, letter }) => ({ letter_offset: letterOffset, ...letter }));
    process.stdout.write(`${JSON.stringify({ counts: Object.fromEntries(counts), items })}\n`);
    return EXIT.ok;
  }
  if (counts.size === 0) process.stdout.write('There are no dead letters.\n');
  else {
    const byCount = [...counts].toSorted(([, one], [, other]) => other - one);
    const rows = byCount.map(([code, count]) => [code, String(count)]);
    process.stdout.write(`${formatTable(['reason', 'letters'], rows)}\n`);
  }
  for (const { letter } of newest) {
    const trace = letter.traceparent === undefined ? '' : `  traceparent ${letter.traceparent}`;
    for (const { code, message, views } of letter.rejections) {
      const where = `${letter.topic}/${letter.partition}/${letter.offset}`;
      process.stdout.write(`${where}  ${code}  ${views.join(', ')}: ${message}${trace}\n`);
    }
  }
  return EXIT.ok;
};

const replay: Work = async (log, definitions, sources, flags) => {
  const schemas = await openSchemas(definitions.sources.values(), flags);
  const { dryRun: dry = false } = flags;
  const trail = await openTrail(dry ? {} : flags);
  const results: Replayed[] = [];
  try {
    for (const source of sources) results.push(await replaySource(log, definitions, source, schemas, flags));
    await trail.record('dlq_replay', sources.map(({ name }) => name).join(', '), { sources: results });
  } finally {
    await trail.close();
  }
  if (flags.json === true) process.stdout.write(`${JSON.stringify({ dry_run: dry, sources: results })}\n`);
  else {
    for (const { source, appended, rejected, erased, earlier } of results) {
      const verb = dry ? 'would be appended' : 'appended';
      process.stdout.write(
        `${source}: ${formatCount(appended, 'record')} ${verb} again, ${rejected} would be rejected still, ${erased} are of erased entities, ${earlier} were replayed before\n`,
      );
    }
  }
  return results.some(({ rejected }) => rejected > 0) ? EXIT.finding : EXIT.ok;
};

async function replaySource(
  log: Log,
  definitions: Definitions,
  source: SourceDefinition,
  schemas: Schemas | null,
  { reason, dryRun = false }: DlqFlags,
): Promise<Replayed> {
  const progress = showProgress(source.name);
  const told = (replayed: Replayed): string => formatCount(replayed.appended, 'record');
  const onProgress = (replayed: Replayed): void => progress.update(null, told(replayed));
  const common = { log, definitions, source, schemas, clock: systemClock, dryRun, onProgress };
  const replayed = await replayLetters(reason === undefined ? common : { ...common, reason });
  progress.finish(told(replayed));
  return replayed;
}
