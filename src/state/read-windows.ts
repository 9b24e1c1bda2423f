/**
 * One pass over head and tiles for all features of a view, stage after stage (stages.ts). Tiles that nobody holds in memory
 * are merged straight from the bytes they are stored in.
 */
import { OVER_LIMIT } from '../aggregate/aggregation.ts';
import { floorTo } from '../core/time.ts';
import type { Status } from '../core/status.ts';
import type { Value } from '../core/value.ts';
import type { FeatureDefinition } from '../definition/definition.ts';
import type { EntityState } from './entity-state.ts';
import { type EventColumns, timeIndexAt } from './event-columns.ts';
import { TileMerger } from './merge-tiles.ts';
import { type Slot, type ViewPlan, windowEndMs, windowStartMs } from './plan.ts';
import type { Stage, StageGroup, StageLane, StageReader } from './stages.ts';

/** What is read, and where values go. */
export interface Pass {
  readonly plan: ViewPlan;
  readonly state: EntityState;
  readonly asOfMs: number;
  /** Head events before this index have `ts < as_of`. */
  readonly headEnd: number;
  readonly values: Value[];
  readonly statuses: Status[];
}

/** A pass under way. By index of the stage: where its window begins, and the first head event in it. */
interface Reading {
  readonly pass: Pass;
  readonly head: EventColumns;
  readonly merger: TileMerger;
  readonly accumulators: unknown[];
  readonly startsMs: number[];
  readonly headFrom: number[];
}

export function readWindows(pass: Pass): void {
  const { state, plan, asOfMs } = pass;
  const head = state.head.columns();
  const accumulators = plan.reading.lanes.map(({ algebra }) => algebra.create());
  const { stages, noTimes, noPlaces } = plan.reading;
  const [startsMs, headFrom] = [noTimes.slice(), noPlaces.slice()];
  const reading: Reading = { pass, head, merger: new TileMerger(state), accumulators, startsMs, headFrom };
  for (const stage of stages) {
    const startMs = stage.window === null ? -Infinity : windowStartMs(stage.window, asOfMs);
    startsMs[stage.index] = startMs;
    headFrom[stage.index] = timeIndexAt(head.tsMs, startMs);
    readStage(reading, stage);
  }
}

function readStage(reading: Reading, stage: Stage): void {
  const { window, level, groups } = stage;
  const { merger, accumulators, head, pass } = reading;
  const isTrailing = window === null || window.offsetMs === 0;
  const endMs = isTrailing ? Infinity : windowEndMs(window, pass.asOfMs);
  const headEnd = isTrailing ? pass.headEnd : timeIndexAt(head.tsMs, endMs);
  const startMs = reading.startsMs[stage.index] as number;
  const hasTiles = startMs < pass.state.sealedUntilMs;
  let merged = 0;
  if (hasTiles) {
    // Each group reads this level up to where a finer one goes on; the bridges between are merged first.
    const untilMs = groups.map((group) => bridgeUntil(reading, stage, group) ?? endMs);
    for (const group of groups) merged += mergeBridge(reading, stage, group);
    for (const [index, { lanes }] of groups.entries()) {
      for (const { place, accumulator } of lanes) {
        merger.target(place, accumulators[accumulator], untilMs[index] as number);
      }
    }
    merged += merger.merge(level, startMs, endMs);
  }
  for (const group of groups) {
    const added = addHead(reading, stage, group, headEnd);
    for (const lane of group.lanes) for (const reader of lane.readers) put(reading, lane, reader, merged + added > 0);
  }
}

/** The finer level of the stage before covers a group down to here, aligned with this stage's hop; null: nothing does. */
function bridgeUntil({ startsMs, pass }: Reading, { level }: Stage, { before }: StageGroup): number | null {
  if (before === null) return null;
  const coveredMs = startsMs[before.index] as number;
  return coveredMs < pass.state.sealedUntilMs ? floorTo(coveredMs, level.hopMs) : null;
}

/** Merges the tiles of the finer level between there and where the stage before began. */
function mergeBridge(reading: Reading, stage: Stage, group: StageGroup): number {
  const fromMs = bridgeUntil(reading, stage, group);
  if (fromMs === null || group.before === null) return 0;
  const toMs = reading.startsMs[group.before.index] as number;
  for (const { placeBefore, accumulator } of group.lanes) {
    reading.merger.target(placeBefore, reading.accumulators[accumulator], toMs);
  }
  return reading.merger.merge(group.before.level, fromMs, toMs);
}

/** Counts the head events that the stage before has not counted; answers how many there are. */
function addHead(
  { head, headFrom, accumulators }: Reading,
  { index }: Stage,
  { before, lanes }: StageGroup,
  headEnd: number,
): number {
  const from = headFrom[index] as number;
  const to = before === null ? headEnd : (headFrom[before.index] as number);
  if (from < to) for (const { slot, accumulator } of lanes) addEvents(slot, accumulators[accumulator], head, from, to);
  return to - from;
}

function addEvents(slot: Slot, accumulator: unknown, head: EventColumns, from: number, to: number): void {
  const { algebra, column, filterMask } = slot;
  const { tsMs, partitions, offsets, filterBits } = head;
  const values = column < 0 ? null : (head.values[column] as readonly Value[]);
  for (let at = from; at < to; at++) {
    if (filterMask !== 0 && ((filterBits[at] as number) & filterMask) === 0) continue;
    const value = values === null ? true : (values[at] as Value);
    if (value === null) continue;
    algebra.add(accumulator, value, tsMs[at] as number, partitions[at] as number, offsets[at] as number);
  }
}

/** `isChanged`: whether anything was counted since the stage before. */
function put(reading: Reading, { accumulator }: StageLane, reader: StageReader, isChanged: boolean): void {
  const { plan, values, statuses } = reading.pass;
  const { feature, aggregation, params, alike } = reader;
  if (!isChanged && alike >= 0 && statuses[alike] === 'PRESENT') {
    values[feature] = values[alike] as Value;
    return;
  }
  const value = aggregation.evaluate(reading.accumulators[accumulator], params);
  if (value === OVER_LIMIT) {
    statuses[feature] = 'OVER_LIMIT';
  } else if (value === null) {
    statuses[feature] = 'NULL_VALUE';
    values[feature] = (plan.view.features[feature] as FeatureDefinition).defaultValue;
  } else {
    values[feature] = value;
  }
}
