/** `--trail`: where commands and processes record what they do to a deployment. */
import { hostname, userInfo } from 'node:os';
import type { Command } from 'commander';
import { type TrailLocation, parseTrail } from '../flag-values.ts';
import { systemClock } from '../core/clock.ts';
import { formatTimestamp } from '../core/time.ts';
import type { Definitions } from '../definition/definition.ts';
import { type SecurityFlags, openLog, warnOnStderr } from './connect.ts';
import { type Act, type TrailBook, type TrailEntry, openFileBook, openTopicBook } from './trail-book.ts';

export interface TrailFlags {
  readonly trail?: TrailLocation;
}

export function addTrailFlag(command: Command, note = 'record what is done'): Command {
  return command.option(
    '--trail <where>',
    `${note}: file:PATH, or kafka://host:port/topic; read it with skewless trail`,
    parseTrail,
  );
}

export interface Trail {
  record(act: Act, subject: string, details: TrailEntry['details'], namespace?: string | null): Promise<void>;
  close(): Promise<void>;
}

const NOWHERE: Trail = { record: () => Promise.resolve(), close: () => Promise.resolve() };

export function openBook(location: TrailLocation, security: SecurityFlags): Promise<TrailBook> {
  if (location.kind === 'file') return openFileBook(location.path);
  const { brokers, topic } = location;
  return openLog({ kind: 'kafka', brokers }, security, warnOnStderr).then((log) => openTopicBook(log, topic));
}

/** To be opened before the act: where it cannot be recorded, it is not begun. */
export async function openTrail({ trail, ...security }: TrailFlags & SecurityFlags): Promise<Trail> {
  if (trail === undefined) return NOWHERE;
  const book = await openBook(trail, security);
  return {
    record: (act, subject, details, namespace = null) =>
      book.append({ at: formatTimestamp(systemClock.nowMs()), actor: whoActs(), act, namespace, subject, details }),
    close: () => book.close(),
  };
}

function whoActs(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    // A user without a name, as containers have them.
    return `${process.getuid?.() ?? 'unknown'}@${hostname()}`;
  }
}

/** Records which definitions a deployment runs, where they are others than were recorded last. */
export async function recordDefinitions(
  book: TrailBook,
  definitions: Definitions,
  { namespace, actor, atMs }: { readonly namespace: string; readonly actor: string; readonly atMs: number },
): Promise<void> {
  let before: Readonly<Record<string, string>> = {};
  for await (const entry of book.read()) {
    if (entry?.act !== 'definitions' || entry.namespace !== namespace) continue;
    before = entry.details['fingerprints'] as typeof before;
  }
  const now = fingerprintsOf(definitions);
  const added = Object.keys(now).filter((id) => before[id] === undefined);
  const removed = Object.keys(before).filter((id) => now[id] === undefined);
  const changed = Object.keys(now).filter((id) => before[id] !== undefined && before[id] !== now[id]);
  if (added.length + removed.length + changed.length === 0) return;
  const details = { added, removed, changed, fingerprints: now };
  const at = formatTimestamp(atMs);
  await book.append({ at, actor, act: 'definitions', namespace, subject: namespace, details });
}

/** Of a view, that of reading it, which contains that of its state. */
function fingerprintsOf({ views, services }: Definitions): Readonly<Record<string, string>> {
  return Object.fromEntries([
    ...[...views.values()].map(({ id, readFingerprint }) => [`view ${id}`, readFingerprint]),
    ...[...services.values()].map(({ id, fingerprint }) => [`service ${id}`, fingerprint]),
  ]) as Readonly<Record<string, string>>;
}
