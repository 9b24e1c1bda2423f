/** A commit as arguments of its script, and what the script answers. */
import { assert } from '../core/assert.ts';
import { copyBytes } from '../core/bytes.ts';
import { SkewlessError } from '../core/errors.ts';
import type { StateChange } from '../state/state.ts';
import { formatNotice } from './redis-notices.ts';
import { CHANGE_BYTES } from './redis-scripts.ts';
import type { Checkpoint, Commit, CommitResult, CommitSection, Place, Position } from './store.ts';

export const BUILD_BYTES = 8;
/** Build and version, before each head. */
export const PREFIX_BYTES = 16;

/** As COMMIT_SCRIPT takes them. */
export function argumentsOf(commit: Commit): (string | number | Buffer)[] {
  const { sections } = commit;
  const fingerprints = new Set(sections.map(({ fingerprint }) => fingerprint));
  assert(fingerprints.size === sections.length, 'a commit has one section for a fingerprint');
  const args: (string | number | Buffer)[] = [sections.length, formatNotice(commit)];
  for (const section of sections) addSection(args, section);
  return args;
}

function addSection(args: (string | number | Buffer)[], section: CommitSection): void {
  const { fingerprint, expected, checkpoint, stateTtlMs, changes } = section;
  const { buildStartedMs, epoch } = checkpoint;
  args.push(
    fingerprint,
    formatPlace(expected),
    epoch,
    formatPlace(checkpoint),
    buildOf(buildStartedMs),
    JSON.stringify(checkpoint),
    stateTtlMs ?? '',
    packChanges(changes),
  );
}

const MODES = { append: 'a', replace: 'r', delete: 'd' } as const;

function packChanges(changes: CommitSection['changes']): Buffer {
  let length = 0;
  for (const { entity, change } of changes) length += Buffer.byteLength(entity) + bytesOf(change);
  const packed = Buffer.allocUnsafe(length);
  const view = new DataView(packed.buffer, packed.byteOffset, length);
  let at = 0;
  for (const { entity, change } of changes) at = packChange(packed, view, at, entity, change);
  assert(at === length, 'what was packed is what was counted');
  return packed;
}

/** Answers where it ends. */
function packChange(packed: Buffer, view: DataView, at: number, entity: string, change: StateChange): number {
  const { fromVersion, toVersion, fromChecksum, keepsTiles, head, tiles } = change;
  // What is appended to nothing is the whole.
  const mode = MODES[fromVersion === 0 && head.mode === 'append' ? 'replace' : head.mode];
  const headAt = at + CHANGE_BYTES + packed.write(entity, at + CHANGE_BYTES);
  const tilesAt = headAt + head.bytes.length;
  view.setUint32(at, headAt - at - CHANGE_BYTES, true);
  view.setUint32(at + 4, head.bytes.length, true);
  view.setUint32(at + 8, tiles?.length ?? 0, true);
  view.setUint8(at + 12, (tiles === null && !keepsTiles ? mode : mode.toUpperCase()).charCodeAt(0));
  view.setFloat64(at + 13, fromVersion);
  view.setFloat64(at + 21, toVersion);
  view.setUint32(at + 29, fromChecksum ?? 0, true);
  copyBytes(head.bytes, 0, head.bytes.length, packed, headAt);
  if (tiles !== null) packed.set(tiles, tilesAt);
  return tilesAt + (tiles?.length ?? 0);
}

function bytesOf({ head, tiles }: StateChange): number {
  return CHANGE_BYTES + head.bytes.length + (tiles?.length ?? 0);
}

function buildOf(buildStartedMs: number): Buffer {
  const bytes = Buffer.alloc(BUILD_BYTES);
  bytes.writeDoubleBE(buildStartedMs);
  return bytes;
}

/** Canonical, so that equal places are equal texts; empty: nothing is stored. */
function formatPlace(place: Place | null): string {
  if (place === null) return '';
  const entries = Object.entries(place.position).toSorted(([one], [other]) => Number(one) - Number(other));
  return `${place.buildStartedMs}@${entries.map(([partition, next]) => `${partition}:${next}`).join(',')}`;
}

function parsePosition(text: string): Position {
  const entries = text
    .slice(text.indexOf('@') + 1)
    .split(',')
    .filter((entry) => entry !== '');
  return Object.fromEntries(entries.map((entry) => entry.split(':').map(Number)));
}

export function resultOf([kind, fingerprint, detail]: readonly [string, string?, string?]): CommitResult {
  if (kind === 'ok') return { kind };
  if (kind === 'forbidden') {
    throw new SkewlessError('store_forbidden', `Redis does not let our user run ${fingerprint}: see docs/redis.md`);
  }
  assert(fingerprint !== undefined, 'a refused commit names the section');
  if (kind === 'fenced') return { kind, fingerprint, epoch: Number(detail) };
  assert(kind === 'moved', 'a commit is ok, fenced or moved');
  return { kind, fingerprint, position: detail ? parsePosition(detail) : null };
}

/** Of what the script stores: the third line. */
export function parseCheckpoint(stored: string): Checkpoint {
  return JSON.parse(stored.slice(stored.indexOf('\n', stored.indexOf('\n') + 1))) as Checkpoint;
}
