/**
 * One partition of a source: turns the log's batches into chunks, decodes each once for all its shards, makes dead
 * letters durable before any checkpoint passes them, and says where to read next.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { SourceDecoder } from '../event/decode.ts';
import { parseErasure } from '../event/erasure.ts';
import type { LogRecord, ViewOutcome } from '../event/event.ts';
import { namedFingerprints } from '../event/replay-header.ts';
import type { LogBatch } from '../log/log.ts';
import type { PartitionLetters, RejectedFor } from './dead-letters.ts';
import { changeState, type Lane } from './lane.ts';
import { partitionCountChanged } from './open-lanes.ts';
import { onlyForNamed } from './replayed.ts';
import { type RetryPolicy, untilReachable } from './retry.ts';
import { type Shard, takesPart } from './shard.ts';
import { parseBundle } from './transit.ts';
import { isPast } from './vector.ts';
import type { Ownership } from './opening.ts';
import type { Chunk, DecodedRecord } from './shard-context.ts';
import type { BatchTracing } from './tracing.ts';
import type { Turns } from './turns.ts';

export interface PartitionContext {
  readonly topic: string;
  readonly partition: number;
  readonly decoder: SourceDecoder;
  /** Whether what is read is an internal topic, which holds bundles. */
  readonly isTransit: boolean;
  readonly shards: readonly Shard[];
  /** Null when dead letters are off. */
  readonly letters: PartitionLetters | null;
  readonly retry: RetryPolicy;
  readonly flushRecordsMax: number;
  readonly turns: Turns;
  /** Null: nobody traces. */
  readonly tracing: BatchTracing | null;
  /** How many partitions the topic has had lately; null where the log does not say. */
  partitionCount(): Promise<number | null>;
  /** Whether the driver stops: then a batch is left after the chunk at hand. */
  stopping(): boolean;
}

export interface Partition {
  readonly shards: readonly Shard[];
  /** Claims what it may; answers the position to read from, or null when nothing is owned. */
  open(): Promise<number | null>;
  /** Answers the position to read next. `batch` was fetched from the one answered last. */
  apply(batch: LogBatch, fetchedAtMs: number): Promise<number>;
  release(): Promise<void>;
}

export function createPartition(context: PartitionContext): Partition {
  const { decoder, shards, letters, retry, tracing, turns } = context;
  const lanes = shards.flatMap((shard) => shard.lanes);

  function checkPlacement(chunk: Chunk): Chunk {
    let { records } = chunk;
    for (const { placement, lanes: some } of shards) {
      const owned = some.find(({ state }) => state.mode === 'owned')?.state;
      if (placement === null || owned?.mode !== 'owned') continue;
      records = placement.check(records, some, owned.ownership.partitions);
    }
    return records === chunk.records ? chunk : { ...chunk, records };
  }

  /** What is waited for here are schemas: as long as the registry is away, no record is judged. */
  async function prepareAll(prepare: NonNullable<SourceDecoder['prepare']>, read: readonly LogRecord[]): Promise<void> {
    const records = context.isTransit ? read.flatMap((bundle) => parseBundle(bundle)?.records ?? []) : read;
    await untilReachable(retry, () => prepare(records));
  }

  /** Producers spread keys over all partitions there are: no lane goes on with entities that may have left. */
  async function failWherePartitionsChanged(): Promise<void> {
    const count = await context.partitionCount();
    for (const lane of lanes) {
      if (count === null || lane.state.mode !== 'owned' || lane.state.ownership.partitions === count) continue;
      changeState(lane, partitionCountChanged(context.topic, lane.state.ownership.partitions, count));
    }
  }

  async function applyChunk(decoded: Chunk): Promise<void> {
    // Embedded adapters answer without ever leaving the event loop's turn; requests of the same process must get theirs.
    await nextTurn();
    const chunk = checkPlacement(decoded);
    if (letters !== null) {
      collect(letters, lanes, chunk);
      await untilReachable(retry, () => letters.write());
    }
    await nextTurn();
    for (const shard of shards) await shard.apply(chunk);
  }

  return {
    shards,
    async open() {
      for (const shard of shards) await shard.open();
      return turns.next(lanes, false);
    },
    async apply(batch, fetchedAtMs) {
      await failWherePartitionsChanged();
      const ownedBefore = ownedCount(lanes);
      for (const shard of shards) await shard.claimAbandoned();
      const owned = ownedCount(lanes);
      // The letters of the owner before are not to be written again: they are read before the next is.
      if (owned > ownedBefore) await letters?.close();
      // Without an owned lane the log is followed all the same, to be near when one is claimed.
      if (owned === 0) return batch.nextPosition;
      if (decoder.prepare !== null) await prepareAll(decoder.prepare, batch.records);
      let position = batch.fetchPosition;
      const decode = (record: LogRecord, into: DecodedRecord[]): void => {
        if (context.isTransit) decodeBundle(decoder, record, lanes, into);
        else into.push(decodeRecord(decoder, record, lanes));
      };
      for (const chunk of chunksOf(batch, fetchedAtMs, context.flushRecordsMax, decode)) {
        if (context.stopping()) break;
        await (tracing === null
          ? applyChunk(chunk)
          : tracing.batch(context.topic, context.partition, chunk.records, () => applyChunk(chunk)));
        position = turns.next(lanes, chunk.reachedEndAtMs !== null) ?? chunk.nextOffset;
        if (position !== chunk.nextOffset) break;
      }
      return position;
    },
    async release() {
      await letters?.close();
      for (const shard of shards) await shard.release();
    },
  };
}

function ownedCount(lanes: readonly Lane[]): number {
  return lanes.filter(({ state }) => state.mode === 'owned').length;
}

/**
 * Lazily: a chunk is decoded when the one before it is committed. An empty batch is one empty chunk. What was read of the log
 * is never split, so a bundle may make a chunk larger.
 */
function* chunksOf(
  batch: LogBatch,
  fetchedAtMs: number,
  recordsMax: number,
  decode: (record: LogRecord, into: DecodedRecord[]) => void,
): Generator<Chunk, void, undefined> {
  let fromOffset = batch.fetchPosition;
  let records: DecodedRecord[] = [];
  const last = batch.records.at(-1);
  for (const record of batch.records) {
    decode(record, records);
    if (records.length < recordsMax || record === last) continue;
    const nextOffset = record.offset + 1;
    yield { fromOffset, nextOffset, records, reachedEndAtMs: null };
    fromOffset = nextOffset;
    records = [];
  }
  yield { fromOffset, nextOffset: batch.nextPosition, records, reachedEndAtMs: batch.reachedEnd ? fetchedAtMs : null };
}

function decodeRecord(
  decoder: SourceDecoder,
  record: LogRecord,
  lanes: readonly Lane[],
  at = record.offset,
  next = at + 1,
): DecodedRecord {
  const erasure = parseErasure(record);
  if (erasure !== null) return { at, next, record, outcomes: [], eventTimeMs: null, erasure };
  const decoded = decoder.decode(record);
  const named = namedFingerprints(record);
  const outcomes = named === null ? decoded : onlyForNamed(named, decoded, lanes);
  return { at, next, record, outcomes, eventTimeMs: decoder.eventTimeMs() };
}

/** Nothing where somebody else wrote into the topic. */
function decodeBundle(decoder: SourceDecoder, bundled: LogRecord, lanes: readonly Lane[], into: DecodedRecord[]): void {
  const at = bundled.offset;
  const bundle = parseBundle(bundled);
  if (bundle === null) return;
  for (const record of bundle.records) into.push(decodeRecord(decoder, record, lanes, at, at));
  into.push({ at, next: at + 1, record: bundled, outcomes: [], eventTimeMs: null, progress: bundle.progress });
}

/** Only lanes that fold the record now; to the others it is past, or not yet theirs. */
function collect(letters: PartitionLetters, lanes: readonly Lane[], chunk: Chunk): void {
  for (const decoded of chunk.records) {
    const { record, outcomes } = decoded;
    if (!outcomes.some(isRejected)) continue;
    const rejected: RejectedFor[] = [];
    for (const lane of lanes) {
      const outcome = outcomes[lane.outcomeIndex];
      if (outcome?.kind !== 'rejected' || !takesPart(lane, chunk)) continue;
      if (lane.state.mode === 'owned' && isPastFor(lane.state.ownership, decoded)) continue;
      rejected.push({ rejection: outcome, viewIds: lane.plan.viewIds, fingerprint: lane.plan.fingerprint });
    }
    if (rejected.length > 0) letters.add(record, rejected);
  }
}

function isRejected({ kind }: ViewOutcome): boolean {
  return kind === 'rejected';
}

function isPastFor({ nextOffset, vector }: Ownership, { at, record }: DecodedRecord): boolean {
  return at < nextOffset || (vector !== null && isPast(vector, record));
}
