/**
 * All kept entries, of all shards, bounded in bytes: the one that nobody has read for longest goes first. Where an entry
 * belongs is told by the entry, so that looking one up makes no key.
 */
import { LRUCache } from 'lru-cache';
import type { Home, Keeper, LoadedEntry } from './loaded-entry.ts';

/**
 * Being marked as read costs more than being read. So it is done once an era, in which this part of what may be kept is
 * taken in: whatever is read once in that much of a turnover stays before all that is not.
 */
const ERA_OF_BYTES = 1 / 16;

export interface EntryMemory extends Keeper {
  keep(home: Home, entry: LoadedEntry): void;
  forget(entry: LoadedEntry): void;
  report(): { readonly entries: number; readonly bytes: number; readonly evictions: number };
}

export function createEntryMemory(bytesMax: number): EntryMemory {
  let evictions = 0;
  let era = 0;
  let eraBytes = 0;
  const entries = new LRUCache<LoadedEntry, number>({
    maxSize: bytesMax,
    // A size that changes is set as a value that changes, and nothing is disposed of then.
    noDisposeOnSet: true,
    dispose(_bytes, entry, reason) {
      if (reason === 'evict') evictions++;
      entry.leave();
    },
  });

  const memory: EntryMemory = {
    keep(home, entry) {
      const before = home.entries.get(entry.entity);
      if (before === entry) return;
      if (before !== undefined) memory.forget(before);
      entry.detach();
      home.entries.set(entry.entity, entry);
      entry.home = home;
      entry.keeper = memory;
      eraBytes += entry.bytes;
      if (eraBytes >= bytesMax * ERA_OF_BYTES) {
        era++;
        eraBytes = 0;
      }
      entry.era = era;
      memory.resize(entry);
    },
    touch(entry) {
      entry.isAskedFor = true;
      if (entry.era === era) return;
      entry.era = era;
      entries.get(entry);
    },
    forget: (entry) => void entries.delete(entry),
    resize(entry) {
      // One that is larger than the whole is not taken in, and not told of either.
      if (entry.bytes > bytesMax) {
        entries.delete(entry);
        entry.leave();
        evictions++;
      } else {
        entries.set(entry, entry.bytes, { size: entry.bytes });
      }
    },
    report: () => ({ entries: entries.size, bytes: entries.calculatedSize, evictions }),
  };
  return memory;
}
