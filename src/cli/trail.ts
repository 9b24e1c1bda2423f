/** `skewless trail`: reads the audit trail. */
import { Command, Option } from 'commander';
import { UsageError } from '../flag-values.ts';
import { systemClock } from '../core/clock.ts';
import { parseDurationMs, parseTimestampMs } from '../core/time.ts';
import { type SecurityFlags, addKafkaFlags } from './connect.ts';
import { EXIT } from './exit.ts';
import { formatCount } from './text.ts';
import { ACTS, type Act, type TrailEntry } from './trail-book.ts';
import { type TrailFlags, addTrailFlag, openBook } from './trail-write.ts';

interface ReadFlags extends TrailFlags, SecurityFlags {
  readonly act?: Act;
  readonly since?: number;
  readonly json?: boolean;
}

export function trailCommand(finish: (exitCode: number) => void): Command {
  const command = addTrailFlag(
    new Command('trail').description('Show what was done to a deployment: definitions that changed, keys, erasures, …'),
    'where it was recorded (required)',
  )
    .addOption(new Option('--act <act>', 'only this').choices(ACTS))
    .option('--since <when>', 'only what is not older: 7d, or RFC 3339', parseSince)
    .option('--json', 'print a JSON object a line')
    .addHelpText('after', '\nExample:\n  skewless trail --trail file:trail.jsonl --since 30d')
    .action(async (flags: ReadFlags) => finish(await show(flags)));
  return addKafkaFlags(command);
}

function parseSince(text: string): number {
  const durationMs = parseDurationMs(text);
  const sinceMs = durationMs === null ? parseTimestampMs(text) : systemClock.nowMs() - durationMs;
  if (sinceMs === null) throw new UsageError(`--since "${text}" is not a time; expected 7d or 2027-01-31T00:00:00Z`);
  return sinceMs;
}

async function show({ trail, act, since = Number.NEGATIVE_INFINITY, json, ...security }: ReadFlags): Promise<number> {
  if (trail === undefined) throw new UsageError('--trail is missing: where the trail is kept');
  const book = await openBook(trail, security);
  let unreadable = 0;
  try {
    for await (const entry of book.read()) {
      if (entry === null) unreadable++;
      else if ((act === undefined || entry.act === act) && (parseTimestampMs(entry.at) ?? 0) >= since) {
        process.stdout.write(`${json === true ? JSON.stringify(entry) : lineOf(entry)}\n`);
      }
    }
  } finally {
    await book.close();
  }
  if (unreadable === 0) return EXIT.ok;
  process.stderr.write(`${formatCount(unreadable, 'line')} of the trail cannot be read\n`);
  return EXIT.finding;
}

function lineOf({ at, actor, act, namespace, subject, details }: TrailEntry): string {
  const { fingerprints: _, ...told } = details;
  const where = namespace === null || namespace === subject ? '' : ` (${namespace})`;
  return `${at}  ${actor}  ${act}  ${subject}${where}  ${JSON.stringify(told)}`;
}
