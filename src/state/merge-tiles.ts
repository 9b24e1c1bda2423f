/** Merging the tiles of one state: those in memory, and those that are only in the bytes they are stored in, without making objects of them. */
import { ByteReader, CorruptBytesError } from '../core/bytes.ts';
import { type EntityState, type Tile, tileIndexAt } from './entity-state.ts';
import type { Level, Slot } from './plan.ts';
import { readPresence } from './record-codec.ts';

export class TileMerger {
  readonly #state: EntityState;
  /** Made when first needed. */
  #reader: ByteReader | null = null;
  /** By place in the tiles that are merged next; undefined: what stands there is passed over. */
  readonly #into: unknown[] = [];
  readonly #untilMs: number[] = [];

  constructor(state: EntityState) {
    this.#state = state;
  }

  /** In the next merge, states at `place` of tiles that begin before `untilMs` go into `accumulator`. */
  target(place: number, accumulator: unknown, untilMs: number): void {
    this.#into[place] = accumulator;
    this.#untilMs[place] = untilMs;
  }

  /** Merges the tiles that begin in `[fromMs, toMs)`, and answers how many there are. */
  merge(level: Level, fromMs: number, toMs: number): number {
    const tiles = this.#state.tiles[level.index] as readonly Tile[];
    const first = tileIndexAt(tiles, fromMs);
    let index = first;
    for (; index < tiles.length; index++) {
      const tile = tiles[index] as Tile;
      if (tile.startMs >= toMs) break;
      if (tile.states === null) this.#mergeStored(level, tile);
      else this.#mergeHeld(level, tile.startMs, tile.states);
    }
    this.#into.length = 0;
    return index - first;
  }

  #mergeHeld({ slots }: Level, startMs: number, states: readonly unknown[]): void {
    for (let place = 0; place < slots.length; place++) {
      const partial = states[place];
      const into = this.#targetAt(place, startMs);
      if (partial !== null && into !== undefined) (slots[place] as Slot).algebra.merge(into, partial);
    }
  }

  #mergeStored({ slots }: Level, { startMs, storedFrom, storedTo }: Tile): void {
    const reader = (this.#reader ??= new ByteReader(this.#state.stored.tiles));
    reader.position = storedFrom;
    readPresence(reader, slots.length);
    for (let place = 0; place < slots.length; place++) {
      if (!reader.bit(storedFrom, place)) continue;
      const { algebra } = slots[place] as Slot;
      const into = this.#targetAt(place, startMs);
      if (into === undefined) algebra.decode(reader);
      else if (algebra.mergeEncoded === undefined) algebra.merge(into, algebra.decode(reader));
      else algebra.mergeEncoded(into, reader);
    }
    if (reader.position !== storedTo) throw new CorruptBytesError('a tile is not as long as its index says');
  }

  #targetAt(place: number, startMs: number): unknown {
    return startMs < (this.#untilMs[place] ?? -Infinity) ? this.#into[place] : undefined;
  }
}
