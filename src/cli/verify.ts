/** `skewless verify`: replays the log below the positions of receipts, and holds the vectors against what was served. */
import { createReadStream } from 'node:fs';
import { text as textOf } from 'node:stream/consumers';
import { Command } from 'commander';
import { defaultsFor } from '../config.ts';
import { type LogLocation, UsageError, parseNamespace } from '../flag-values.ts';
import { SkewlessError, messageOf } from '../core/errors.ts';
import type { Served } from '../replay/verify-check.ts';
import type { VerifiedJson } from '../replay/verify-json.ts';
import { openLogWithArchives } from './archives.ts';
import { type SecurityFlags, addLogFlags, warnOnStderr } from './connect.ts';
import { addRegistryFlags, openSchemas } from './connect-registry.ts';
import { loadOrTell } from './definition-files.ts';
import { EXIT } from './exit.ts';
import { type Saved, parseSaved } from './served-vectors.ts';
import { formatCount } from './text.ts';
import { type Verify, createVerify } from './verifier.ts';
import { stopOnSignals } from './stop-on-signals.ts';

interface VerifyFlags extends SecurityFlags {
  readonly definitions?: string;
  readonly log?: LogLocation;
  readonly namespace: string;
  readonly json?: boolean;
}

/** Checked in one pass over the log. */
const RECEIPTS_PER_PASS = 10_000;
/** Held in memory in one pass, of entities that receipts are of; where there are more, fewer receipts are taken at a time. */
const EVENTS_MAX = 2_000_000;
/** Of a difference, the coordinates that people are shown; --json has a hundred. */
const EVENTS_SHOWN = 5;

export function verifyCommand(finish: (exitCode: number) => void): Command {
  const command = new Command('verify')
    .description('Check served vectors: replay the log that their receipts name, and compare every bit.')
    .argument(
      '[file]',
      'answers of the vectors endpoint as they were saved, lines of them, or receipts; -: standard input',
      '-',
    )
    .option('--definitions <dir>', 'folder of definitions (YAML); default: the bundled flights example')
    .option(
      '--namespace <name>',
      'of the deployment, which keeps definitions of older fingerprints',
      parseNamespace,
      'default',
    )
    .option('--json', 'print one JSON object')
    .addHelpText(
      'after',
      '\nVectors carry receipts where they were asked for with "include": ["receipt"].\nExample:\n  skewless verify answer.json --definitions features/ --log kafka://broker:9092',
    )
    .action(async (file: string, flags: VerifyFlags) => finish(await runVerify(file, flags)));
  addRegistryFlags(command);
  return addLogFlags(command, '(default: sqlite:.skewless/log.sqlite)');
}

type Checked = Saved & { readonly verified: VerifiedJson | null };

async function runVerify(file: string, flags: VerifyFlags): Promise<number> {
  const saved = parseSaved(await readInput(file));
  if (saved.length === 0) throw new UsageError(`${file === '-' ? 'standard input' : file} holds no receipt`);
  const defaults = defaultsFor(flags.definitions);
  const definitions = loadOrTell(defaults.definitionsDir);
  if (definitions === null) return EXIT.finding;
  const schemas = await openSchemas(definitions.sources.values(), flags);
  const log = await openLogWithArchives(
    flags.log ?? defaults.log,
    flags,
    definitions,
    defaults.definitionsDir,
    warnOnStderr,
  );
  const stop = stopOnSignals(new SkewlessError('aborted', 'stopped'));
  try {
    const verify = createVerify(log, flags.namespace, definitions, EVENTS_MAX, schemas);
    const served = saved.flatMap((each) => ('served' in each ? [each.served] : []));
    const found: VerifiedJson[] = [];
    for (let at = 0; at < served.length; at += RECEIPTS_PER_PASS) {
      found.push(...(await verifyFitting(verify, served.slice(at, at + RECEIPTS_PER_PASS), stop.signal)));
    }
    const results = found.values();
    const checked = saved.map(
      (each): Checked => ({ ...each, verified: 'served' in each ? (results.next().value ?? null) : null }),
    );
    process.stdout.write(flags.json === true ? `${jsonOf(checked)}\n` : describe(checked));
    return checked.every(({ verified }) => verified?.result === 'same_bits') ? EXIT.ok : EXIT.finding;
  } finally {
    stop.release();
    await log.close();
  }
}

async function readInput(file: string): Promise<string> {
  try {
    return await textOf(file === '-' ? process.stdin : createReadStream(file));
  } catch (error) {
    throw new UsageError(`${file} cannot be read: ${messageOf(error)}`, error);
  }
}

/** In halves, where events of all are too many at once. */
async function verifyFitting(
  verify: Verify,
  served: readonly Served[],
  signal: AbortSignal,
): Promise<readonly VerifiedJson[]> {
  try {
    return await verify(served, signal);
  } catch (error) {
    const isTooMany = error instanceof SkewlessError && error.code === 'too_many_events';
    if (!isTooMany || served.length === 1) throw error;
    const half = Math.ceil(served.length / 2);
    const [one, other] = [served.slice(0, half), served.slice(half)];
    return [...(await verifyFitting(verify, one, signal)), ...(await verifyFitting(verify, other, signal))];
  }
}

const WORDS = {
  same_bits: 'same bits',
  different: 'different',
  not_reproducible: 'not_reproducible',
  erased: 'erased',
} as const;

type Counts = Readonly<Record<keyof typeof WORDS | 'no_receipt', number>>;

function countsOf(checked: readonly Checked[]): Counts {
  const counts = { same_bits: 0, different: 0, not_reproducible: 0, erased: 0, no_receipt: 0 };
  for (const { verified } of checked) counts[verified?.result ?? 'no_receipt'] += 1;
  return counts;
}

function jsonOf(checked: readonly Checked[]): string {
  const results = checked.map(({ where, verified, ...rest }) =>
    verified === null
      ? { where, result: 'no_receipt', reason: 'problem' in rest ? rest.problem : null }
      : { where, ...verified },
  );
  return JSON.stringify({ counts: countsOf(checked), results });
}

function describe(checked: readonly Checked[]): string {
  const told = checked.filter(({ verified }) => verified?.result !== 'same_bits').map(describeOne);
  const counts = countsOf(checked);
  const parts = Object.entries({ ...WORDS, no_receipt: 'without a receipt' }).flatMap(([result, words]) => {
    const count = counts[result as keyof Counts];
    return count === 0 ? [] : [count === checked.length ? words : `${count} ${words}`];
  });
  return `${told.join('')}${formatCount(checked.length, 'vector')}: ${parts.join(', ')}\n`;
}

function describeOne({ where, verified, ...rest }: Checked): string {
  if (verified === null) return `${where}: ${'problem' in rest ? rest.problem : ''}\n`;
  const { result, reason, service, version, as_of: asOf, entity, differences } = verified;
  const why = reason === null ? '' : `\n  ${reason}`;
  return `${where}: ${WORDS[result]}: ${service}@${version} of ${JSON.stringify(entity)} at ${asOf}${why}\n${differences.map(describeDifference).join('')}`;
}

function describeDifference(difference: VerifiedJson['differences'][number]): string {
  const { feature, served, replayed, served_status: servedStatus, replayed_status: replayedStatus } = difference;
  const hasStatus = servedStatus !== null && servedStatus !== replayedStatus;
  const sides = [
    `served ${JSON.stringify(served)}${hasStatus ? ` ${servedStatus}` : ''}`,
    `the log gives ${JSON.stringify(replayed)}${hasStatus ? ` ${replayedStatus}` : ''}`,
  ];
  const { events, event_count: count } = difference;
  const shown = events
    .slice(0, EVENTS_SHOWN)
    .map(({ source, partition, offset, ts }) => `${source}/${partition}/${offset} (${ts})`);
  const more = count > shown.length ? ` and ${count - shown.length} before` : '';
  return `  ${feature}: ${sides.join(', ')}, from ${shown.length === 0 ? 'no event' : `${shown.join(', ')}${more}`}\n`;
}
