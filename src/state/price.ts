/** What a view costs to keep: bytes per entity, as `check` prints them. Sizes are those of the stored form. */
import type { Aggregation } from '../aggregate/aggregation.ts';
import { valueBytesMax } from '../aggregate/value-codec.ts';
import type { Level, ViewPlan } from './plan.ts';

/**
 * The largest state that a view may reach: beyond it one entity could not be written in one commit, nor read in one
 * reply, within any budget. `check` refuses such a view.
 */
export const STATE_BYTES_MAX = 16 * 1_048_576;

const HEADER_BYTES = 40;
/** Of a head record: time, partition, offset, and what frames and checks one that is appended by itself. */
const RECORD_BYTES = 8 + 5 + 8 + 5;
/** A flag, and an id as long as any string is reckoned. */
const EVENT_ID_BYTES = 1 + valueBytesMax({ kind: 'string' });
/** Of the tiles value: format, where its index begins, checksum; of each level how many tiles it has, and when the first begins. */
const TILES_BYTES = 9;
const LEVEL_BYTES = 4 + 6;
/** In the index: hops since the tile before, how much later its newest event is, its length. */
const TILE_BYTES = 12;

export interface Price {
  /** One event in the head, at most. */
  readonly recordBytes: number;
  /** A head of `head_max` events. */
  readonly headBytes: number;
  /** Tiles of every level, each with every state at its largest. */
  readonly tilesBytesMax: number;
  readonly tilesMax: number;
  /** Head at `head_limit` and all tiles: no entity is larger. */
  readonly bytesMax: number;
}

export function priceOf(plan: ViewPlan, aggregations: ReadonlyMap<string, Aggregation>): Price {
  const { view, levels } = plan;
  const recordBytes = recordBytesMax(plan);
  const tilesBytesMax = levels.reduce(
    (sum, level) => sum + LEVEL_BYTES + level.tilesMax * tileBytes(plan, level, aggregations),
    TILES_BYTES,
  );
  return {
    recordBytes,
    headBytes: HEADER_BYTES + view.headMax * recordBytes,
    tilesBytesMax,
    tilesMax: levels.reduce((sum, level) => sum + level.tilesMax, 0),
    bytesMax: HEADER_BYTES + view.headLimit * recordBytes + tilesBytesMax,
  };
}

function recordBytesMax({ view, hasEventId }: ViewPlan): number {
  const filterBytes = Math.max(1, Math.ceil(view.filters.length / 7));
  const columnsBytes = view.columns.reduce(
    (sum, column) => sum + valueBytesMax(column.type),
    Math.ceil(view.columns.length / 8),
  );
  return RECORD_BYTES + filterBytes + columnsBytes + (hasEventId ? EVENT_ID_BYTES : 0);
}

function tileBytes({ view }: ViewPlan, level: Level, aggregations: ReadonlyMap<string, Aggregation>): number {
  let bytes = TILE_BYTES;
  for (const slot of level.slots) {
    const feature = view.features.find(
      (each) => each.column === slot.column && slotReads(slot, view.features.indexOf(each)),
    );
    const aggregation = feature === undefined ? undefined : aggregations.get(feature.aggregation);
    if (feature !== undefined && aggregation !== undefined)
      bytes += 1 + aggregation.bytesMax(view.columns[slot.column]?.type ?? null, feature.params);
  }
  return bytes;
}

function slotReads(slot: Level['slots'][number], feature: number): boolean {
  const windows = [...slot.chains.flat(), ...slot.offsets];
  const readers = [...windows.flatMap((window) => window.readers), ...(slot.lifetime?.readers ?? [])];
  return readers.some((reader) => reader.feature === feature);
}
