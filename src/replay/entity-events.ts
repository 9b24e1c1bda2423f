/**
 * Events of a few entities out of a whole log, in memory: one pass over each partition that is needed, for all that is asked
 * of it. Up to the greatest position that anybody needs, records are decoded as the live driver decodes them; from there to the
 * end only control records are looked for, so that nothing is made of what was erased meanwhile.
 */
import { assert } from '../core/assert.ts';
import { ByteReader, ByteWriter } from '../core/bytes.ts';
import { SkewlessError } from '../core/errors.ts';
import type { SourceDefinition } from '../definition/definition.ts';
import { type SourceDecoder, compileSourceDecoder } from '../event/decode.ts';
import { parseErasure } from '../event/erasure.ts';
import type { LogRecord, ViewEvent } from '../event/event.ts';
import { namedFingerprints } from '../event/replay-header.ts';
import type { HeadEvent } from '../state/entity-state.ts';
import { reachStart } from '../state/evaluate.ts';
import { readRecord, writeRecord } from '../state/record-codec.ts';
import type { Position } from '../store/store.ts';
import type { EventReader, ReadRange } from './event-reader.ts';
import type { Lane, TrainAppearance } from './train-plan.ts';

/** Of one entity, encoded: objects of so many events would fill the memory. */
export interface KeptEvent {
  readonly tsMs: number;
  readonly partition: number;
  readonly offset: number;
  readonly appendedMs: number;
  /** The latest append time of the partition up to it: between partitions, the order in which events came. */
  readonly arrivedMs: number;
  readonly record: Uint8Array;
}

/** A control record: the entity's events below `offset` of the partition are void. */
export interface NotedErasure {
  readonly id: string;
  readonly partition: number;
  readonly offset: number;
}

export interface EntityTarget {
  readonly lane: Lane;
  readonly entity: string;
  readonly events: KeptEvent[];
  readonly erasures: NotedErasure[];
}

/** What the log holds of a source's topic. */
export type HeldRanges = ReadonlyMap<number, ReadRange>;

export interface EntityEvents {
  /** Asks for what `appearance` may see of the entity below `position`, at `asOfMs`. To be called before `read`. */
  want(appearance: TrainAppearance, entity: string, position: Position, asOfMs: number): EntityTarget;
  /** Fills the targets. Rejects with `too_many_events`, and as readers do. */
  read(readers: Readers, run: { readonly signal: AbortSignal; readonly nowMs: number }): Promise<void>;
  /** By topic; null: there is none. */
  held(topic: string): HeldRanges | null;
}

/** Of a source's topic; null: there is no such topic. */
export type Readers = (source: SourceDefinition) => Promise<EventReader | null>;

interface Target extends EntityTarget {
  readonly until: Map<number, number>;
  /** Of event times that anybody sees; duplicates are told by events beyond, too. */
  fromMs: number;
  beforeMs: number;
}

interface SourceTargets {
  readonly source: SourceDefinition;
  readonly lanes: Lane[];
  /** By lane, aligned, and entity. */
  readonly targets: Map<string, Target>[];
  readonly until: Map<number, number>;
  decoder: SourceDecoder | null;
}

export function createEntityEvents(eventsMax: number): EntityEvents {
  const sources = new Map<SourceDefinition, SourceTargets>();
  const held = new Map<string, HeldRanges | null>();
  const writer = new ByteWriter();
  let kept = 0;

  function targetsOf(lane: Lane): { readonly ofSource: SourceTargets; readonly targets: Map<string, Target> } {
    const { source } = lane;
    const ofSource: SourceTargets = sources.get(source) ?? {
      source,
      lanes: [],
      targets: [],
      until: new Map(),
      decoder: null,
    };
    sources.set(source, ofSource);
    let at = ofSource.lanes.indexOf(lane);
    if (at === -1) {
      at = ofSource.lanes.push(lane) - 1;
      ofSource.targets.push(new Map());
    }
    return { ofSource, targets: ofSource.targets[at] as Map<string, Target> };
  }

  function want({ lane, plan }: TrainAppearance, entity: string, position: Position, asOfMs: number): EntityTarget {
    const { ofSource, targets } = targetsOf(lane);
    const target = targets.get(entity) ?? {
      lane,
      entity,
      events: [],
      erasures: [],
      until: new Map<number, number>(),
      fromMs: lane.livePlan.hasEventId ? -Infinity : Infinity,
      beforeMs: lane.livePlan.hasEventId ? Infinity : -Infinity,
    };
    targets.set(entity, target);
    target.fromMs = Math.min(target.fromMs, reachStart(plan, asOfMs));
    target.beforeMs = Math.max(target.beforeMs, asOfMs);
    for (const [partition, next] of Object.entries(position)) {
      raise(target.until, Number(partition), next);
      raise(ofSource.until, Number(partition), next);
    }
    return target;
  }

  function keep(target: Target, event: ViewEvent, arrivedMs: number): void {
    const { tsMs, partition, offset, appendedMs } = event;
    const isSeen = tsMs >= target.fromMs && tsMs < target.beforeMs && offset < (target.until.get(partition) ?? 0);
    if (!isSeen) return;
    if (++kept > eventsMax) throw tooMany(eventsMax);
    writer.reset();
    writeRecord(target.lane.livePlan, event, writer);
    target.events.push({ tsMs, partition, offset, appendedMs, arrivedMs, record: writer.copy() });
  }

  function noteErasure(some: readonly SourceTargets[], ranges: HeldRanges, record: LogRecord): boolean {
    const erasure = parseErasure(record);
    if (erasure === null) return false;
    const { partition, offset } = record;
    const { id, entities, ends } = erasure;
    // As the live driver has it of a partition that lacks its head (materialize/erasing.ts).
    if ((ranges.get(partition)?.from ?? 0) > (ends[partition] ?? Infinity)) return true;
    for (const { lanes, targets } of some) {
      for (const [at, { entityKey }] of lanes.entries()) {
        targets[at]?.get(entities[entityKey] ?? '')?.erasures.push({ id, partition, offset });
      }
    }
    return true;
  }

  function take(some: readonly SourceTargets[], ranges: HeldRanges, record: LogRecord, arrivedMs: number): void {
    if (noteErasure(some, ranges, record)) return;
    const { partition, offset } = record;
    for (const each of some) {
      if (offset >= (each.until.get(partition) ?? 0)) continue;
      each.decoder ??= compileSourceDecoder(
        each.source,
        each.lanes.map(({ view }) => view),
      );
      const outcomes = each.decoder.decode(record);
      const named = namedFingerprints(record);
      for (const [at, { view }] of each.lanes.entries()) {
        const outcome = outcomes[at];
        if (outcome?.kind !== 'event' || (named !== null && !named.has(view.stateFingerprint))) continue;
        const target = each.targets[at]?.get(outcome.event.entityKey);
        if (target !== undefined) keep(target, outcome.event, arrivedMs);
      }
    }
  }

  async function readTopic(
    some: readonly SourceTargets[],
    readers: Readers,
    { signal, nowMs }: { readonly signal: AbortSignal; readonly nowMs: number },
  ): Promise<void> {
    const source = some[0]?.source;
    assert(source !== undefined, 'targets have a source');
    const reader = await readers(source);
    if (reader === null) return void held.set(source.topic, null);
    const ranges = new Map((await reader.ranges()).map((range) => [range.partition, range]));
    held.set(source.topic, ranges);
    const wanted = [...ranges.values()].filter(({ partition }) => some.some(({ until }) => until.has(partition)));
    const newestMs = new Map<number, number>();
    await reader.read(
      wanted,
      async ({ partition, records }) => {
        for (const record of records) {
          const newest = Math.max(newestMs.get(partition) ?? -Infinity, record.timestampMs);
          newestMs.set(partition, newest);
          take(some, ranges, record, newest);
        }
        // So that other work of the process has its turn.
        await new Promise((resolve) => setImmediate(resolve));
      },
      { signal, startedMs: nowMs },
    );
  }

  return {
    want,
    async read(readers, run) {
      const byTopic = Map.groupBy(sources.values(), ({ source }) => source.topic);
      for (const some of byTopic.values()) await readTopic(some, readers, run);
    },
    held: (topic) => held.get(topic) ?? null,
  };
}

/** The event as `fold` takes it. */
export function decodeKept({ livePlan }: Lane, { record }: KeptEvent): HeadEvent {
  return readRecord(livePlan, new ByteReader(record));
}

function raise(until: Map<number, number>, partition: number, next: number): void {
  until.set(partition, Math.max(until.get(partition) ?? 0, next));
}

function tooMany(eventsMax: number): SkewlessError {
  const message = `more than ${eventsMax} events of these entities are within reach, and no more are held in memory: verify fewer receipts at a time`;
  return new SkewlessError('too_many_events', message);
}
