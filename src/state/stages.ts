/**
 * In which order a view's windows are read: stage after stage, a window each, with all that is read of it, so that head and tiles
 * are gone through once for all features. Trailing windows come by length, and each goes on from what shorter ones counted.
 */
import type { Level, SlidingWindow, Slot, SlotReader, SlotWindow } from './plan.ts';

export interface StageReader extends SlotReader {
  /** A feature that reads the same of what the stage before has counted; −1: none does. */
  readonly alike: number;
}

/** What one slot has of a stage. */
export interface StageLane {
  readonly slot: Slot;
  /** Of its accumulator: one for all windows that go on from one another. */
  readonly accumulator: number;
  /** Where the slot's states stand in tiles of the stage's level, and in those of the stage before. */
  readonly place: number;
  readonly placeBefore: number;
  readonly readers: readonly StageReader[];
}

/** Lanes that go on from one stage; null: they begin here. */
export interface StageGroup {
  readonly before: Stage | null;
  readonly lanes: readonly StageLane[];
}

export interface Stage {
  readonly index: number;
  /** Null: lifetime. */
  readonly window: SlidingWindow | null;
  readonly level: Level;
  readonly groups: readonly StageGroup[];
}

export interface Stages {
  readonly stages: readonly Stage[];
  /** By accumulator. */
  readonly lanes: readonly Slot[];
  /** By stage, to be copied: a list that grows by pushes has room for seventeen numbers. */
  readonly noTimes: readonly number[];
  readonly noPlaces: readonly number[];
}

/** A slot's window, before it is known which others are read with it. */
interface Step {
  readonly window: SlidingWindow | null;
  readonly level: Level;
  readonly lane: StageLane;
  readonly before: Step | null;
}

export function compileStages(slots: readonly Slot[], levels: readonly Level[]): Stages {
  const steps: Step[] = [];
  const lanes: Slot[] = [];
  for (const slot of slots) {
    for (const chain of [...slot.chains, ...slot.offsets.map((offset) => [offset])]) {
      const accumulator = lanes.push(slot) - 1;
      let before: Step | null = null;
      for (const each of chain) steps.push((before = stepOf(slot, accumulator, each, before)));
    }
    if (slot.lifetime === null) continue;
    const { place, readers } = slot.lifetime;
    const lane = { slot, accumulator: lanes.push(slot) - 1, place, placeBefore: -1, readers: readers.map(unlike) };
    steps.push({ window: null, level: levels.at(-1) as Level, lane, before: null });
  }
  steps.sort((a, b) => lengthOf(a) - lengthOf(b) || a.level.index - b.level.index);
  const stages = stagesOf(steps);
  return { stages, lanes, noTimes: stages.map(() => -Infinity), noPlaces: stages.map(() => 0) };
}

function stagesOf(steps: readonly Step[]): readonly Stage[] {
  const stages: Stage[] = [];
  const stageOf = new Map<Step, Stage>();
  for (const [index, ofWindow] of [...Map.groupBy(steps, ({ window }) => JSON.stringify(window)).values()].entries()) {
    const { window, level } = ofWindow[0] as Step;
    const groups = Map.groupBy(ofWindow, ({ before }) => (before === null ? null : (stageOf.get(before) as Stage)));
    const stage = {
      index,
      window,
      level,
      groups: [...groups].map(([before, ofGroup]) => ({ before, lanes: ofGroup.map(({ lane }) => lane) })),
    };
    for (const step of ofWindow) stageOf.set(step, stage);
    stages.push(stage);
  }
  return stages;
}

function stepOf(slot: Slot, accumulator: number, each: SlotWindow, before: Step | null): Step {
  const { window, level, place } = each;
  const readers = each.readers.map((reader) => {
    const alike = before?.lane.readers.find((other) => isAlike(other, reader));
    return { ...reader, alike: alike?.feature ?? -1 };
  });
  return { window, level, lane: { slot, accumulator, place, placeBefore: before?.lane.place ?? -1, readers }, before };
}

function unlike(reader: SlotReader): StageReader {
  return { ...reader, alike: -1 };
}

function isAlike(one: SlotReader, other: SlotReader): boolean {
  return one.aggregation === other.aggregation && JSON.stringify(one.params) === JSON.stringify(other.params);
}

function lengthOf({ window }: Step): number {
  return window === null ? Infinity : window.lengthMs;
}
