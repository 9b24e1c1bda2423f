/**
 * Events of a few entities out of a whole log, in memory: one pass over each partition that is needed, for all that is asked
 * of it. Up to the greatest position that anybody needs, records are decoded as the live driver decodes them; from there to the
 * end only control records are looked for, so that nothing is made of what was erased meanwhile.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { assert } from '../core/assert.ts';
import type { SourceDefinition } from '../definition/definition.ts';
import { type SourceDecoder, compileSourceDecoder } from '../event/decode.ts';
import { type Erasure, parseErasure } from '../event/erasure.ts';
import type { LogRecord } from '../event/event.ts';
import type { Schemas } from '../event/schemas.ts';
import { namedFingerprints } from '../event/replay-header.ts';
import type { EntityTargets, SourceTargets } from './entity-targets.ts';
import type { EventReader, ReadRange } from './event-reader.ts';

/** Of a source's topic; null: there is no such topic. */
export type Readers = (source: SourceDefinition) => Promise<EventReader | null>;

/** By partition, what the log holds of a topic. */
export type HeldRanges = ReadonlyMap<number, ReadRange>;

export interface EventsRun {
  readonly signal: AbortSignal;
  readonly nowMs: number;
}

/** Fills the targets; answers what is held, by topic. Rejects with `too_many_events`, and as readers do. */
export async function readEntityEvents(
  targets: EntityTargets,
  readers: Readers,
  run: EventsRun,
): Promise<ReadonlyMap<string, HeldRanges>> {
  const held = new Map<string, HeldRanges>();
  for (const [topic, some] of Map.groupBy(targets.sources, ({ source }) => source.topic)) {
    const ranges = await readTopic(targets, some, readers, run);
    if (ranges !== null) held.set(topic, ranges);
  }
  return held;
}

/** `some`: sources of one topic, as definitions of several times have them. */
async function readTopic(
  targets: EntityTargets,
  some: readonly SourceTargets[],
  readers: Readers,
  { signal, nowMs }: EventsRun,
): Promise<HeldRanges | null> {
  const [first] = some;
  assert(first !== undefined, 'a topic is that of a source');
  const reader = await readers(first.source);
  if (reader === null) return null;
  const ranges = new Map((await reader.ranges()).map((range) => [range.partition, range]));
  const wanted = [...ranges.values()].filter(({ partition }) => some.some(({ until }) => until.has(partition)));
  const newestMs = new Map<number, number>();
  const takers = some.map((each) => createTaker(targets, each, reader.schemas));
  await reader.read(
    wanted,
    async ({ partition, records }) => {
      for (const { prepare } of takers) await prepare(records);
      for (const record of records) {
        const arrivedMs = Math.max(newestMs.get(partition) ?? -Infinity, record.timestampMs);
        newestMs.set(partition, arrivedMs);
        const erasure = parseErasure(record);
        if (erasure === null) for (const { take } of takers) take(record, arrivedMs);
        else noteErasure(some, ranges, erasure, record);
      }
      // So that other work of the process has its turn.
      await nextTurn();
    },
    { signal, startedMs: nowMs },
  );
  return ranges;
}

function noteErasure(
  some: readonly SourceTargets[],
  ranges: HeldRanges,
  { id, entities, ends }: Erasure,
  { partition, offset }: LogRecord,
): void {
  // As the live driver has it of a partition that lacks its head (materialize/erasing.ts).
  if ((ranges.get(partition)?.from ?? 0) > (ends[partition] ?? Infinity)) return;
  for (const { lanes, targets } of some) {
    for (const [at, { entityKey }] of lanes.entries()) {
      targets[at]?.get(entities[entityKey] ?? '')?.erasures.push({ id, partition, offset });
    }
  }
}

interface Taker {
  /** As of `SourceDecoder`. */
  prepare(records: readonly LogRecord[]): Promise<void>;
  take(record: LogRecord, arrivedMs: number): void;
}

function createTaker(
  targets: EntityTargets,
  { source, lanes, targets: byLane, until }: SourceTargets,
  schemas: Schemas | null,
): Taker {
  const decoder: SourceDecoder = compileSourceDecoder(
    source,
    lanes.map(({ view }) => view),
    schemas,
  );
  const isAsked = ({ partition, offset }: LogRecord): boolean => offset < (until.get(partition) ?? 0);

  function take(record: LogRecord, arrivedMs: number): void {
    if (!isAsked(record)) return;
    const outcomes = decoder.decode(record);
    const named = namedFingerprints(record);
    for (const [at, { view }] of lanes.entries()) {
      const outcome = outcomes[at];
      if (outcome?.kind !== 'event' || (named !== null && !named.has(view.stateFingerprint))) continue;
      const target = byLane[at]?.get(outcome.event.entityKey);
      if (target !== undefined) targets.keep(target, outcome.event, arrivedMs);
    }
  }

  return { prepare: async (records) => decoder.prepare?.(records.filter(isAsked)), take };
}
