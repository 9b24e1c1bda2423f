/** `skewless dlq`: looks into the dead-letter topics, and gives records another chance. */
import { Command } from 'commander';
import { AGGREGATIONS } from '../aggregate/table.ts';
import { type LogLocation, UsageError, defaultsFor, parseNamespace } from '../config.ts';
import { systemClock } from '../core/clock.ts';
import { SkewlessError } from '../core/errors.ts';
import type { Definitions, SourceDefinition } from '../definition/definition.ts';
import { formatProblem } from '../definition/problem.ts';
import { compileSourceDecoder } from '../event/decode.ts';
import type { AppendRecord, Log } from '../log/log.ts';
import { partitionOf } from '../log/partitioner.ts';
import { type DeadLetter, deadLetterTopic, parseLetter } from '../materialize/dead-letters.ts';
import { REPLAY_HEADER, formatReplayHeader } from '../materialize/replayed.ts';
import { type SecurityFlags, addLogFlags, openLog, warnOnStderr } from './connect.ts';
import { loadDefinitionsFrom } from './definition-files.ts';
import { EXIT } from './exit.ts';
import { showProgress } from './progress.ts';
import { usedSources } from './stored.ts';
import { formatCount, formatTable } from './text.ts';

interface DlqFlags extends SecurityFlags {
  readonly definitions?: string;
  readonly source?: string;
  readonly log?: LogLocation;
  readonly namespace: string;
  readonly reason?: string;
  readonly limit: number;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** A letter with where it is. */
interface Found {
  readonly source: SourceDefinition;
  readonly letterOffset: number;
  readonly letter: DeadLetter;
}

const READ_RECORDS_MAX = 500;
const LIMIT = 20;
const TEXT_ENCODER = new TextEncoder();

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
      new Command('replay')
        .description('Append records again that the views which rejected them would take now.')
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
    .option('--namespace <name>', 'of the deployment', parseNamespace, 'default')
    .option('--json', 'print one JSON object');
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
  const loaded = loadDefinitionsFrom(defaults.definitionsDir, AGGREGATIONS);
  if (!loaded.ok) {
    process.stderr.write(`${loaded.problems.map(formatProblem).join('\n')}\n`);
    return EXIT.finding;
  }
  const all = usedSources(loaded.definitions);
  const sources = all.filter(({ name }) => flags.source === undefined || name === flags.source);
  if (sources.length === 0)
    throw new UsageError(
      `there is no source ${flags.source} with views; there are: ${all.map(({ name }) => name).join(', ')}`,
    );
  const log = await openLog(flags.log ?? defaults.log, flags, warnOnStderr);
  try {
    return await work(log, loaded.definitions, sources, flags);
  } finally {
    await log.close();
  }
}

async function* lettersOf(log: Log, source: SourceDefinition, from = 0): AsyncGenerator<Found, void, undefined> {
  const topic = deadLetterTopic(source.topic);
  const range = (await log.ranges(topic))?.[0];
  let offset = Math.max(from, range?.startOffset ?? 0);
  while (offset < (range?.endOffset ?? 0)) {
    const records = await log.read(topic, 0, offset, READ_RECORDS_MAX);
    for (const record of records) {
      const letter = parseLetter(record);
      if (letter !== null && letter.source === source.name) yield { source, letterOffset: record.offset, letter };
    }
    const last = records.at(-1);
    if (last === undefined) return;
    offset = last.offset + 1;
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
    for (const { code, message, views } of letter.rejections) {
      const where = `${letter.topic}/${letter.partition}/${letter.offset}`;
      process.stdout.write(`${where}  ${code}  ${views.join(', ')}: ${message}\n`);
    }
  }
  return EXIT.ok;
};

/** What became of the letters of a source. */
interface Replayed {
  readonly source: string;
  appended: number;
  /** Rejected still, or too large to have been kept. */
  rejected: number;
}

const replay: Work = async (log, definitions, sources, flags) => {
  const results: Replayed[] = [];
  for (const source of sources) results.push(await replaySource(log, definitions, source, flags));
  const dry = flags.dryRun === true;
  if (flags.json === true) process.stdout.write(`${JSON.stringify({ dry_run: dry, sources: results })}\n`);
  else {
    for (const { source, appended, rejected } of results) {
      const verb = dry ? 'would be appended' : 'appended';
      process.stdout.write(
        `${source}: ${formatCount(appended, 'record')} ${verb} again, ${rejected} would be rejected still\n`,
      );
    }
  }
  return results.some(({ rejected }) => rejected > 0) ? EXIT.finding : EXIT.ok;
};

/** One letter at a time: its record, and that it was gone through, are one transaction. */
async function replaySource(
  log: Log,
  definitions: Definitions,
  source: SourceDefinition,
  flags: DlqFlags,
): Promise<Replayed> {
  const id = `${flags.namespace}/${source.name}/replayed-letters`;
  const transfer = await log
    .openTransfer({ id, group: id, topic: deadLetterTopic(source.topic), partition: 0 })
    .catch(noLetters);
  const result: Replayed = { source: source.name, appended: 0, rejected: 0 };
  if (transfer === null) return result;
  const partitions = (await log.ranges(source.topic))?.length ?? 1;
  const wouldTake = createJudge(definitions, source, partitions);
  const progress = showProgress(source.name);
  try {
    for await (const { letter, letterOffset } of lettersOf(log, source, (await transfer.position()) ?? 0)) {
      const record = wouldTake(letter);
      if (record === null) result.rejected++;
      else {
        result.appended++;
        if (flags.dryRun !== true) await transfer.append(source.topic, [record], letterOffset + 1);
      }
      progress.update(null, formatCount(result.appended, 'record'));
    }
  } finally {
    await transfer.close();
  }
  progress.finish(formatCount(result.appended, 'record'));
  return result;
}

function noLetters(error: unknown): null {
  if (error instanceof SkewlessError && error.code === 'unknown_topic') return null;
  throw error;
}

/** The record to append for a letter; null if those who rejected it would do so again. */
function createJudge(
  definitions: Definitions,
  source: SourceDefinition,
  partitions: number,
): (letter: DeadLetter) => AppendRecord | null {
  const views = [...definitions.views.values()].filter((view) => view.source.name === source.name);
  const decoder = compileSourceDecoder(source, views);
  return (letter) => {
    if (letter.value_base64 === null) return null;
    const fingerprints = letter.rejections.flatMap((rejection) => rejection.fingerprints);
    const key = letter.key_base64 === null ? null : Buffer.from(letter.key_base64, 'base64');
    const value = Buffer.from(letter.value_base64, 'base64');
    const outcomes = decoder.decode({ partition: 0, offset: 0, timestampMs: systemClock.nowMs(), key, value });
    const takers = fingerprints.filter((fingerprint) =>
      views.some((view, index) => view.stateFingerprint === fingerprint && outcomes[index]?.kind !== 'rejected'),
    );
    if (takers.length === 0) return null;
    const headers = { [REPLAY_HEADER]: TEXT_ENCODER.encode(formatReplayHeader(letter, takers)) };
    // Where its key belongs, which need not be where it was.
    const partition = partitionOf(key, partitions, source.partitioner) ?? letter.partition;
    return { key, value, timestampMs: null, partition, headers };
  };
}
