/** Which entities' events are wanted, up to where and of which times; and what was found of them, encoded and counted. */
import { ByteReader, ByteWriter } from '../core/bytes.ts';
import { SkewlessError } from '../core/errors.ts';
import type { SourceDefinition } from '../definition/definition.ts';
import type { ViewEvent } from '../event/event.ts';
import type { HeadEvent } from '../state/entity-state.ts';
import { reachStart } from '../state/evaluate.ts';
import { readRecord, writeRecord } from '../state/record-codec.ts';
import type { Position } from '../store/store.ts';
import type { Lane, TrainAppearance } from './train-plan.ts';

/** Encoded: objects of many events would fill the memory. */
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
  readonly events: KeptEvent[];
  readonly erasures: NotedErasure[];
  /** By partition: events beyond are nobody's. */
  readonly until: Map<number, number>;
  /** Of event times that anybody sees. */
  fromMs: number;
  beforeMs: number;
}

export interface SourceTargets {
  readonly source: SourceDefinition;
  readonly lanes: Lane[];
  /** By lane, aligned, and entity. */
  readonly targets: Map<string, EntityTarget>[];
  /** The greatest of all targets'. */
  readonly until: Map<number, number>;
}

export interface EntityTargets {
  readonly sources: Iterable<SourceTargets>;
  /** Asks for what `appearance` may see of the entity below `position`, at `asOfMs`. */
  want(appearance: TrainAppearance, entity: string, position: Position, asOfMs: number): EntityTarget;
  /** Throws `too_many_events`. */
  keep(target: EntityTarget, event: ViewEvent, arrivedMs: number): void;
}

/** `eventsMax`: of all targets together. */
export function createEntityTargets(eventsMax: number): EntityTargets {
  const sources = new Map<SourceDefinition, SourceTargets>();
  const writer = new ByteWriter();
  let kept = 0;
  return {
    get sources() {
      return sources.values();
    },
    want({ lane, plan }, entity, position, asOfMs) {
      const { ofSource, targets } = targetsOf(sources, lane);
      const target = targets.get(entity) ?? createTarget(lane);
      targets.set(entity, target);
      target.fromMs = Math.min(target.fromMs, reachStart(plan, asOfMs));
      target.beforeMs = Math.max(target.beforeMs, asOfMs);
      for (const [partition, next] of Object.entries(position)) {
        raise(target.until, Number(partition), next);
        raise(ofSource.until, Number(partition), next);
      }
      return target;
    },
    keep(target, event, arrivedMs) {
      const { tsMs, partition, offset, appendedMs } = event;
      const isSeen = tsMs >= target.fromMs && tsMs < target.beforeMs && offset < (target.until.get(partition) ?? 0);
      if (!isSeen) return;
      if (++kept > eventsMax) throw tooMany(eventsMax);
      writer.reset();
      writeRecord(target.lane.livePlan, event, writer);
      target.events.push({ tsMs, partition, offset, appendedMs, arrivedMs, record: writer.copy() });
    },
  };
}

/** The event as `fold` takes it. */
export function decodeKept({ livePlan }: Lane, { record }: KeptEvent): HeadEvent {
  return readRecord(livePlan, new ByteReader(record));
}

function targetsOf(
  sources: Map<SourceDefinition, SourceTargets>,
  lane: Lane,
): { readonly ofSource: SourceTargets; readonly targets: Map<string, EntityTarget> } {
  const { source } = lane;
  const ofSource = sources.get(source) ?? { source, lanes: [], targets: [], until: new Map<number, number>() };
  sources.set(source, ofSource);
  let at = ofSource.lanes.indexOf(lane);
  if (at === -1) {
    at = ofSource.lanes.push(lane) - 1;
    ofSource.targets.push(new Map());
  }
  return { ofSource, targets: ofSource.targets[at] as Map<string, EntityTarget> };
}

/** What is a duplicate is told by events of any time. */
function createTarget(lane: Lane): EntityTarget {
  const { hasEventId } = lane.livePlan;
  return {
    lane,
    events: [],
    erasures: [],
    until: new Map(),
    fromMs: hasEventId ? -Infinity : Infinity,
    beforeMs: hasEventId ? Infinity : -Infinity,
  };
}

function raise(until: Map<number, number>, partition: number, next: number): void {
  until.set(partition, Math.max(until.get(partition) ?? 0, next));
}

function tooMany(eventsMax: number): SkewlessError {
  const message = `more than ${eventsMax} events of these entities are within reach, and no more are held in memory: verify fewer receipts at a time`;
  return new SkewlessError('too_many_events', message);
}
