/**
 * Position tokens: what ingest answers and `after` takes. Opaque to clients: base64url of canonical JSON, source →
 * partition → next offset. A position holds once a shard has read everything below it.
 */
import type { Position } from '../store/store.ts';

/** By source name. */
export type SourcePositions = ReadonlyMap<string, Position>;

const TOKEN = /^[A-Za-z0-9_-]{2,8192}$/;
const PARTITION = /^(0|[1-9][0-9]{0,5})$/;

export function encodePositionToken(positions: SourcePositions): string {
  const sorted = [...positions].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Buffer.from(JSON.stringify(Object.fromEntries(sorted)), 'utf8').toString('base64url');
}

/** Null when the text is not a token of ours. */
export function decodePositionToken(text: string): SourcePositions | null {
  if (!TOKEN.test(text)) return null;
  const parsed = parseJson(Buffer.from(text, 'base64url').toString('utf8'));
  if (!isPlainObject(parsed)) return null;
  const positions = new Map<string, Position>();
  for (const [source, value] of Object.entries(parsed)) {
    const position = readPosition(value);
    if (position === null) return null;
    positions.set(source, position);
  }
  return positions;
}

function readPosition(value: unknown): Position | null {
  if (!isPlainObject(value)) return null;
  const position: Record<number, number> = {};
  for (const [partition, next] of Object.entries(value)) {
    if (!PARTITION.test(partition) || typeof next !== 'number' || !Number.isSafeInteger(next) || next < 0) return null;
    position[Number(partition)] = next;
  }
  return position;
}

/** The later of each: a list of tokens waits for all. */
export function mergePositions(all: readonly SourcePositions[]): SourcePositions {
  const merged = new Map<string, Record<number, number>>();
  for (const positions of all) {
    for (const [source, position] of positions) {
      const into = merged.get(source) ?? {};
      for (const [partition, next] of Object.entries(position)) {
        into[Number(partition)] = Math.max(into[Number(partition)] ?? 0, next);
      }
      merged.set(source, into);
    }
  }
  return merged;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
