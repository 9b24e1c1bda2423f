/** Stored bytes → entry, once for each load. */
import { CorruptBytesError } from '../core/bytes.ts';
import { messageOf } from '../core/errors.ts';
import type { StoredState } from '../state/state.ts';
import type { ReadSection, ShardRead } from '../store/store.ts';
import { LoadedEntry } from './loaded-entry.ts';
import type { SectionStates, ShardStates, StateDecoder, Wanted } from './shard-reader.ts';
import type { StateEntry } from './state-entry.ts';

/** As the store takes them; `fingerprints` are read too, their checkpoints at least. */
export function sectionsOf(wanted: Wanted, fingerprints: Iterable<string> = []): readonly ReadSection[] {
  const sections: ReadSection[] = [];
  for (const [fingerprint, entities] of wanted) sections.push({ fingerprint, entities: [...entities] });
  for (const fingerprint of fingerprints) {
    if (!wanted.has(fingerprint)) sections.push({ fingerprint, entities: [] });
  }
  return sections;
}

/** `reads` align with `sections`. */
export function loadEntries(
  decode: StateDecoder,
  sections: readonly ReadSection[],
  reads: readonly ShardRead[],
): ShardStates {
  const loaded = new Map<string, SectionStates>();
  for (const [index, { fingerprint, entities }] of sections.entries()) {
    const { checkpoint, states } = reads[index] as ShardRead;
    const entries = new Map<string, StateEntry>();
    for (const [at, entity] of entities.entries()) {
      entries.set(entity, loadEntry(decode, fingerprint, entity, states[at] ?? null));
    }
    loaded.set(fingerprint, { checkpoint, states: entries });
  }
  return loaded;
}

function loadEntry(decode: StateDecoder, fingerprint: string, entity: string, stored: StoredState | null): StateEntry {
  if (stored === null) return new LoadedEntry(null, entity, 0);
  try {
    return new LoadedEntry(decode(fingerprint, stored), entity, stored.head.length);
  } catch (error) {
    if (!(error instanceof CorruptBytesError)) throw error;
    return { kind: 'corrupt', reason: messageOf(error) };
  }
}
