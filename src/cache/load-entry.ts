/** Stored bytes → entry, once for each load. */
import { CorruptBytesError } from '../core/bytes.ts';
import { messageOf } from '../core/errors.ts';
import { type EntityState, NO_BYTES } from '../state/entity-state.ts';
import type { StoredState } from '../state/state.ts';
import type { ReadSection, ShardRead } from '../store/store.ts';
import { LoadedEntry } from './loaded-entry.ts';
import type { SectionStates, ShardStates, StateDecoder, Wanted } from './shard-reader.ts';
import type { StateEntry } from './state-entry.ts';

export type KeptState = (fingerprint: string, entity: string) => EntityState | null;

/** As the store takes them; `fingerprints` are read too, their checkpoints at least. `kept`: whose tiles need not be read again. */
export function sectionsOf(
  wanted: Wanted,
  fingerprints: Iterable<string> = [],
  kept: KeptState = () => null,
): readonly ReadSection[] {
  const sections: ReadSection[] = [];
  for (const [fingerprint, entities] of wanted) {
    const knownTiles = new Map<string, Uint8Array>();
    for (const entity of entities) {
      const tiles = kept(fingerprint, entity)?.stored.tiles ?? NO_BYTES;
      if (tiles.length > 0) knownTiles.set(entity, tiles);
    }
    sections.push({ fingerprint, entities: [...entities], ...(knownTiles.size > 0 ? { knownTiles } : {}) });
  }
  for (const fingerprint of fingerprints) {
    if (!wanted.has(fingerprint)) sections.push({ fingerprint, entities: [] });
  }
  return sections;
}

/** `reads` align with `sections`; `kept`: states that are kept, as they were before. */
export function loadEntries(
  decode: StateDecoder,
  sections: readonly ReadSection[],
  reads: readonly ShardRead[],
  kept: KeptState = () => null,
): ShardStates {
  const loaded = new Map<string, SectionStates>();
  for (const [index, { fingerprint, entities }] of sections.entries()) {
    const { checkpoint, states } = reads[index] as ShardRead;
    const entries = new Map<string, StateEntry>();
    for (const [at, entity] of entities.entries()) {
      const stored = states[at] ?? null;
      entries.set(
        entity,
        stored === null
          ? new LoadedEntry(null, entity, 0)
          : loadEntry(decode, fingerprint, entity, stored, kept(fingerprint, entity)),
      );
    }
    loaded.set(fingerprint, { checkpoint, states: entries });
  }
  return loaded;
}

function loadEntry(
  decode: StateDecoder,
  fingerprint: string,
  entity: string,
  stored: StoredState,
  before: EntityState | null,
): StateEntry {
  try {
    return new LoadedEntry(decode(fingerprint, stored, before), entity, stored.head.length);
  } catch (error) {
    if (!(error instanceof CorruptBytesError)) throw error;
    return { kind: 'corrupt', reason: messageOf(error) };
  }
}
