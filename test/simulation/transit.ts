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
function readOnce(records: readonly LogRecord[]): readonly MovedRecord[] {
  const next = new Map<string, number>();
  return records.flatMap(({ partition: to, key, value, headers }): MovedRecord[] => {
    const origin = headers?.['skewless-origin'];
    if (origin === undefined) return [];
    const [partition = 0, offset = 0, timestampMs = 0] = Buffer.from(origin).toString().split('/').map(Number);
    const name = `${to}/${partition}`;
    if (offset < (next.get(name) ?? 0)) return [];
    next.set(name, offset + 1);
    const own = headers?.['skewless-key'] ?? null;
    expect(key === null || JSON.parse(Buffer.from(key).toString())).toBeTruthy();
    const record = { partition, offset, timestampMs, key: own, value };
    const control = headers?.['skewless-erase'];
    return [
      { partition: to, record: control === undefined ? record : { ...record, headers: { 'skewless-erase': control } } },
    ];
  });
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
