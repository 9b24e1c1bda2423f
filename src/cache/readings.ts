/** Reads of one shard that are on their way, and whether its store answers them. */
import type { CommitNotice } from '../store/store.ts';

/** Notices heard while one read is on its way; one that hears more is served and not kept. */
export const HEARD_MAX = 64;
/** A read that takes longer than this part of the staleness bound says that the store is away. */
const OVERDUE_OF_BOUND = 0.25;

/** A read on its way. */
export interface Reading {
  readonly sentAtMs: number;
  readonly generation: number;
  /** How many notices had been heard. */
  readonly after: number;
  /** Those that were gone on to since. */
  readonly heard: CommitNotice[];
}

export interface Readings {
  begin(reading: Omit<Reading, 'heard'>): Reading;
  answered(reading: Reading): void;
  failed(reading: Reading): void;
  /** Tells all of them of a commit. */
  hear(notice: CommitNotice): void;
  /** Whether the last one failed, or one is overdue: what is kept meanwhile is served of a store that is away. */
  isAway(nowMs: number): boolean;
}

export function createReadings(stalenessMs: number): Readings {
  const readings = new Set<Reading>();
  let lastFailed = false;
  return {
    begin(begun) {
      const reading = { ...begun, heard: [] };
      readings.add(reading);
      return reading;
    },
    answered(reading) {
      readings.delete(reading);
      lastFailed = false;
    },
    failed(reading) {
      readings.delete(reading);
      lastFailed = true;
    },
    hear(notice) {
      for (const { heard } of readings) if (heard.length <= HEARD_MAX) heard.push(notice);
    },
    isAway(nowMs) {
      if (lastFailed) return true;
      for (const { sentAtMs } of readings) if (nowMs - sentAtMs > stalenessMs * OVERDUE_OF_BOUND) return true;
      return false;
    },
  };
}
