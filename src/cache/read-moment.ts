/** What a read says of a shard: where it was, and what may be kept of it. */
import type { Checkpoint } from '../store/store.ts';
import { isLoaded, type LoadedEntry } from './loaded-entry.ts';
import type { Advanced, Moment } from './moment.ts';
import type { ShardStates } from './shard-reader.ts';

/** By fingerprint. */
export type Entries = ReadonlyMap<string, readonly LoadedEntry[]>;

export function momentOf(loaded: ShardStates): Moment {
  return new Map([...loaded].map(([fingerprint, { checkpoint }]) => [fingerprint, checkpoint]));
}

/** What may be kept: no bytes that cannot be read, which somebody may mend. */
export function unchangedOf(loaded: ShardStates, changed: Advanced['changed']): Entries {
  const unchanged = new Map<string, readonly LoadedEntry[]>();
  for (const [fingerprint, { states }] of loaded) {
    const some = changed.get(fingerprint);
    if (some === null) continue;
    const kept = [...states.values()].filter(isLoaded);
    unchanged.set(fingerprint, some === undefined ? kept : kept.filter(({ entity }) => !some.has(entity)));
  }
  return unchanged;
}

/** At the same place, the later heartbeat tells more of the owner. */
export function isNewer(checkpoint: Checkpoint | null, kept: Checkpoint | null): boolean {
  return checkpoint !== null && (kept === null || checkpoint.heartbeatMs >= kept.heartbeatMs);
}
