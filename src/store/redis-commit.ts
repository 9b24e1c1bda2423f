/** A commit as arguments of its script, and what the script answers. */
import { assert } from '../core/assert.ts';
import { SkewlessError } from '../core/errors.ts';
import type { Checkpoint, Commit, CommitResult, CommitSection, Place, Position, ShardId } from './store.ts';

export const BUILD_BYTES = 8;
/** Build and version, before each head. */
export const PREFIX_BYTES = 16;
const NOTHING = Buffer.alloc(0);

/** As COMMIT_SCRIPT takes them. */
export function argumentsOf({ shard, sections }: Commit): (string | number | Buffer)[] {
  const fingerprints = new Set(sections.map(({ fingerprint }) => fingerprint));
  assert(fingerprints.size === sections.length, 'a commit has one section for a fingerprint');
  const args: (string | number | Buffer)[] = [sections.length];
  for (const section of sections) addSection(args, shard, section);
  return args;
}

function addSection(args: (string | number | Buffer)[], shard: ShardId, section: CommitSection): void {
  const { fingerprint, expected, checkpoint, stateTtlMs, changes } = section;
  const { buildStartedMs, epoch } = checkpoint;
  args.push(
    fingerprint,
    formatPlace(expected),
    epoch,
    formatPlace(checkpoint),
    prefixOf(buildStartedMs, null),
    JSON.stringify(checkpoint),
    stateTtlMs ?? '',
    messageOf(shard, section),
    changes.length,
  );
  for (const { entity, change } of changes) {
    const { fromVersion, toVersion, head, tiles } = change;
    // What is appended to nothing is the whole.
    const mode = fromVersion === 0 && head.mode === 'append' ? 'replace' : head.mode;
    args.push(
      entity,
      fromVersion === 0 ? NOTHING : prefixOf(buildStartedMs, fromVersion),
      prefixOf(buildStartedMs, toVersion),
      MODES[mode] + (tiles === null ? '' : 't'),
      bufferOf(head.bytes),
      tiles === null ? NOTHING : bufferOf(tiles),
    );
  }
}

const MODES = { append: 'a', replace: 'r', delete: 'd' } as const;

/** What subscribers hear of a commit. */
function messageOf({ source, entityKey, partition }: ShardId, section: CommitSection): string {
  const { fingerprint, expected, checkpoint, changes } = section;
  return JSON.stringify({
    shard: [source, entityKey, partition],
    fingerprint,
    expected: expected?.position ?? null,
    next: checkpoint.position,
    keys: changes.map(({ entity }) => entity),
  });
}

/** Build and, unless null, version, 8 bytes each. */
function prefixOf(buildStartedMs: number, version: number | null): Buffer {
  const bytes = Buffer.alloc(version === null ? BUILD_BYTES : PREFIX_BYTES);
  bytes.writeDoubleBE(buildStartedMs);
  if (version !== null) bytes.writeDoubleBE(version, BUILD_BYTES);
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

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Of what the script stores: the third line. */
export function parseCheckpoint(stored: string): Checkpoint {
  return JSON.parse(stored.slice(stored.indexOf('\n', stored.indexOf('\n') + 1))) as Checkpoint;
}
