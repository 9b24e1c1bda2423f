/**
 * Where every record of the topic has gone. What must become of each is worked out from the topic alone, without any of the
 * code that is judged: a record is poisoned and says why, repeats an id, is about no merchant, or counts. The clean replay
 * must come to the same numbers, dead letters must be the poisoned ones with the reasons expected, and the states that are
 * stored must hold as many events as the replay folded.
 */
import { expect } from 'vitest';
import type { Definitions } from '../../src/definition/definition.ts';
import type { LogRecord } from '../../src/event/event.ts';
import type { Log } from '../../src/log/log.ts';
import type { DeadLetter } from '../../src/materialize/dead-letters.ts';
import type { ViewCounters } from '../../src/materialize/counters.ts';
import type { Store } from '../../src/store/store.ts';
import { ENTITIES, POISON, REJECTED_BY, VIEWS } from './payments.ts';

/** `<view>/<entity key>` → events that its state holds, over all partitions; those without a state are left out. */
export type FoldedCounts = ReadonlyMap<string, number>;

const READ_RECORDS = 1_000;

/** Of each partition, all of them. */
export async function recordsOf(log: Log, topic: string): Promise<readonly (readonly LogRecord[])[]> {
  const ranges = (await log.ranges(topic)) ?? [];
  return Promise.all(
    ranges.map(async ({ partition, startOffset, endOffset }) => {
      const records: LogRecord[] = [];
      for (let from = startOffset; from < endOffset; from = (records.at(-1)?.offset ?? endOffset) + 1) {
        const some = await log.read(topic, partition, from, READ_RECORDS);
        if (some.length === 0) break;
        records.push(...some);
      }
      return records;
    }),
  );
}

/** A state's version counts every change that was ever folded into it. */
export async function foldedCounts(store: Store, { views }: Definitions, partitions: number): Promise<FoldedCounts> {
  const counts = new Map<string, number>();
  for (const view of views.values()) {
    const entityKey = view.keyColumns.join(',');
    const entities = (ENTITIES[entityKey] ?? []).map((name) => JSON.stringify([name]));
    for (let partition = 0; partition < partitions; partition++) {
      const shard = { source: view.source.name, entityKey, partition };
      const [read] = await store.read(shard, [{ fingerprint: view.stateFingerprint, entities }]);
      for (const [index, entity] of entities.entries()) {
        const version = read?.states[index]?.version ?? 0;
        const name = `${view.name}/${entity}`;
        if (version > 0) counts.set(name, (counts.get(name) ?? 0) + version);
      }
    }
  }
  return counts;
}

/** What the topic says must become of its records, for one view. */
interface Expected {
  readonly rejected: Readonly<Record<string, number>>;
  readonly nullKey: number;
  /** Sound records about an entity, and those of them whose id came before. */
  readonly about: number;
  readonly repeated: number;
}

function expectedOf(view: string, records: readonly LogRecord[]): Expected {
  const rejected: Record<string, number> = {};
  const seen = new Set<string>();
  let [nullKey, about, repeated] = [0, 0, 0];
  for (const record of records) {
    const code = poisonOf(record);
    if (code !== null && (REJECTED_BY[code] ?? []).some((each) => each === view)) {
      rejected[code] = (rejected[code] ?? 0) + 1;
      continue;
    }
    const event = JSON.parse(Buffer.from(record.value ?? []).toString()) as { id: string; merchant: string | null };
    if (view === 'merchant_takings' && event.merchant === null) {
      nullKey++;
      continue;
    }
    about++;
    if (seen.has(event.id)) repeated++;
    seen.add(event.id);
  }
  return { rejected, nullKey, about, repeated };
}

function poisonOf({ headers }: LogRecord): string | null {
  const code = headers?.[POISON];
  return code === undefined ? null : Buffer.from(code).toString();
}

/** Applied, late, too late, duplicate, not for this view, or rejected with the reason expected: each record is one of these. */
export function expectAllAccounted(
  records: readonly (readonly LogRecord[])[],
  counters: ReadonlyMap<string, ViewCounters>,
): void {
  const all = records.flat();
  for (const view of VIEWS) {
    const counted = counters.get(view) as ViewCounters;
    const { folded, late, tooLate, duplicates, filtered, nullKey, rejected, forcedSeals } = counted;
    const lost = Object.values(rejected).reduce((sum, count) => sum + count, 0);
    expect(folded + tooLate + duplicates + filtered + nullKey + lost, `records of ${view}`).toBe(all.length);
    expect(late, `late ones of ${view}`).toBeLessThanOrEqual(folded);
    const expected = expectedOf(view, all);
    expect({ rejected, nullKey }, view).toEqual({ rejected: expected.rejected, nullKey: expected.nullKey });
    expect(folded + tooLate + duplicates + filtered, `${view}, about an entity`).toBe(expected.about);
    // The others forget ids with the events that they seal.
    if (view === 'card_pace' || forcedSeals > 0) continue;
    expect({ tooLate, filtered, duplicates }, view).toEqual({ tooLate: 0, filtered: 0, duplicates: expected.repeated });
  }
  expect(all.length).toBeGreaterThan(0);
}

/** `<partition>/<offset>/<code>/<view>` of what must be rejected. */
export function expectedRejections(records: readonly (readonly LogRecord[])[]): readonly string[] {
  return records
    .flat()
    .flatMap((record) => {
      const code = poisonOf(record);
      const views = code === null ? [] : (REJECTED_BY[code] ?? []);
      return views.map((view) => `${record.partition}/${record.offset}/${code}/${view}`);
    })
    .toSorted();
}

/** The same of the letters that were written, as often as they were; views that `VIEWS` does not name are left out. */
export async function writtenRejections(log: Log, topic: string): Promise<readonly string[]> {
  const letters = (await recordsOf(log, `${topic}.dlq`)).flat();
  const names = letters.flatMap(({ value }) => {
    const { partition, offset, rejections } = JSON.parse(Buffer.from(value ?? []).toString()) as DeadLetter;
    return rejections.flatMap(({ code, views }) =>
      views.map((id) => [`${partition}/${offset}/${code}/${id.split('@')[0]}`, id.split('@')[0]] as const),
    );
  });
  return names.flatMap(([name, view]) => (VIEWS.some((each) => each === view) ? [name] : [])).toSorted();
}

export function sumOfView(counts: FoldedCounts, view: string): number {
  return [...counts].reduce((sum, [name, count]) => (name.startsWith(`${view}/`) ? sum + count : sum), 0);
}
