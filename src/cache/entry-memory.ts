/**
 * All kept entries, of all shards, bounded in bytes: the one that nobody has read for longest goes first. Where an entry
 * belongs is told by the entry, so that looking one up makes no key.
 */
import { LRUCache } from 'lru-cache';
import type { Keeper, LoadedEntry } from './loaded-entry.ts';

export interface EntryMemory extends Keeper {
  keep(home: Map<string, LoadedEntry>, entry: LoadedEntry): void;
  /** Marks it as read. */
  touch(entry: LoadedEntry): void;
  forget(entry: LoadedEntry): void;
  report(): { readonly entries: number; readonly bytes: number; readonly evictions: number };
}

export function createEntryMemory(bytesMax: number): EntryMemory {
  let evictions = 0;
  const entries = new LRUCache<LoadedEntry, number>({
    maxSize: bytesMax,
    // A size that changes is set as a value that changes, and nothing is disposed of then.
    noDisposeOnSet: true,
    dispose(_bytes, entry, reason) {
      if (reason === 'evict') evictions++;
      leave(entry);
    },
  });

  function leave(entry: LoadedEntry): void {
    if (entry.home?.get(entry.entity) === entry) entry.home.delete(entry.entity);
    entry.home = null;
    entry.keeper = null;
  }

  const memory: EntryMemory = {
    keep(home, entry) {
      const before = home.get(entry.entity);
      if (before === entry) return;
      if (before !== undefined) memory.forget(before);
      home.set(entry.entity, entry);
      entry.home = home;
      entry.keeper = memory;
      memory.resize(entry);
    },
    touch: (entry) => void entries.get(entry),
    forget: (entry) => void entries.delete(entry),
    resize(entry) {
      // One that is larger than the whole is not taken in, and not told of either.
      if (entry.bytes > bytesMax) {
        entries.delete(entry);
        leave(entry);
        evictions++;
      } else {
        entries.set(entry, entry.bytes, { size: entry.bytes });
      }
    },
    report: () => ({ entries: entries.size, bytes: entries.calculatedSize, evictions }),
  };
  return memory;
}
