/** What movers have put into internal topics, read without their code: each record of the source once, in its order. */
import { expect } from 'vitest';
import type { Definitions, ViewDefinition } from '../../src/definition/definition.ts';
import type { LogRecord } from '../../src/event/event.ts';
import type { MemoryLog } from './memory-log.ts';
import { isControl } from './erased.ts';
import { SOURCE } from './workload.ts';

/** A record of the source, and the partition of the internal topic it was moved to. */
export interface MovedRecord {
  readonly record: LogRecord;
  readonly partition: number;
}

/** Of views that are keyed otherwise than the records: what they are folded from. Empty where nothing was moved. */
export function movedRecords(
  definitions: Definitions,
  log: MemoryLog,
): ReadonlyMap<ViewDefinition, readonly MovedRecord[]> {
  const moved = new Map<ViewDefinition, readonly MovedRecord[]>();
  for (const topic of log.topics()) {
    const columns = /^simulation[.]taps[.](.+)[.][0-9a-f]{8}[.]repartition$/.exec(topic)?.[1];
    const view = [...definitions.views.values()].find(({ keyColumns }) => keyColumns.join('-') === columns);
    if (view === undefined) continue;
    const records = readOnce(log.records(topic));
    const names = (some: readonly LogRecord[]): readonly string[] =>
      some.map(({ partition, offset }) => `${partition}/${offset}`).toSorted();
    expect(names(records.map(({ record }) => record))).toEqual(names(log.records(SOURCE)));
    expectTogether(records);
    moved.set(view, records);
  }
  return moved;
}

/** Repetitions are left out; what is left must be in order, source partition by source partition. */
function readOnce(bundles: readonly LogRecord[]): readonly MovedRecord[] {
  const next = new Map<string, number>();
  return bundles.flatMap((bundle): MovedRecord[] => {
    const progress = bundle.headers?.['skewless-progress'];
    if (progress === undefined || bundle.value === null) return [];
    const { partition } = JSON.parse(Buffer.from(progress).toString()) as { partition: number };
    const to = bundle.partition;
    const name = `${to}/${partition}`;
    return framesOf(Buffer.from(bundle.value)).flatMap((frame): MovedRecord[] => {
      if (frame.offset < (next.get(name) ?? 0)) return [];
      next.set(name, frame.offset + 1);
      return [{ partition: to, record: { partition, ...frame } }];
    });
  });
}

/** Format 1: flags (key, value, headers), offset, append time, and what the flags say, each with its length. */
function framesOf(bytes: Buffer): readonly Omit<LogRecord, 'partition'>[] {
  let at = 1;
  expect(bytes[0]).toBe(1);
  const varint = (): number => {
    for (let value = 0, scale = 1; ; scale *= 128) {
      const byte = bytes[at++] as number;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  };
  const piece = (): Buffer => {
    const length = varint();
    return bytes.subarray(at, (at += length));
  };
  const frames: Omit<LogRecord, 'partition'>[] = [];
  while (at < bytes.length) {
    const flags = bytes[at++] as number;
    const offset = varint();
    const timestampMs = bytes.readDoubleLE(at);
    at += 8;
    const key = flags & 1 ? piece() : null;
    const value = flags & 2 ? piece() : null;
    const count = flags & 4 ? varint() : 0;
    const headers = Object.fromEntries(Array.from({ length: count }, () => [piece().toString(), piece()]));
    frames.push({ offset, timestampMs, key, value, ...(count === 0 ? {} : { headers }) });
  }
  return frames;
}

/** Wherever an entity's events were, they are in one partition now. */
function expectTogether(records: readonly MovedRecord[]): void {
  const places = new Map<unknown, Set<number>>();
  for (const { record, partition } of records) {
    const text = Buffer.from(record.value ?? []).toString();
    if (!text.endsWith('}') || isControl(record)) continue;
    const { gate } = JSON.parse(text) as { gate: unknown };
    if (gate !== null) places.set(gate, (places.get(gate) ?? new Set()).add(partition));
  }
  for (const [gate, some] of places) expect([...some], String(gate)).toHaveLength(1);
}
