/** Reads from the store each time: what serving does where nothing may be kept. */
import type { Store } from '../store/store.ts';
import { loadEntries, sectionsOf } from './load-entry.ts';
import type { ShardReader, StateDecoder } from './shard-reader.ts';

export function createDirectReader(store: Store, decode: StateDecoder): ShardReader {
  return {
    together: () => null,
    kept: () => null,
    async load(shard, wanted) {
      const sections = sectionsOf(wanted);
      return loadEntries(decode, sections, await store.read(shard, sections));
    },
  };
}
