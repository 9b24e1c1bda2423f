/**
 * A receipt: what it takes to reproduce one vector. Opaque to clients: base64url of JSON with its fields in the order
 * below. Replaying each shard's log up to its position and evaluating at `as_of` gives the same bits.
 */
import { formatTimestamp } from '../../../core/time.ts';
import type { Value } from '../../../core/value.ts';
import type { ServiceDefinition } from '../../../definition/definition.ts';
import type { Position, ShardId } from '../../../store/store.ts';
import { compileRenderer } from '../../../vector/render.ts';

/** A shard as one view of the row read it. */
export interface ReceiptShard {
  /** `name@version` of the view. */
  readonly view: string;
  readonly stateFingerprint: string;
  readonly readFingerprint: string;
  readonly shard: ShardId;
  readonly position: Position;
}

const RECEIPT_FORMAT = 1;

export function encodeReceipt(
  service: ServiceDefinition,
  request: readonly Value[],
  asOfMs: number,
  shards: readonly ReceiptShard[],
): string {
  const entity = service.requestColumns.map(({ name, type }, index) => [
    name,
    compileRenderer(type)(request[index] ?? null),
  ]);
  const receipt = {
    format: RECEIPT_FORMAT,
    service: service.name,
    version: service.version,
    fingerprint: service.fingerprint,
    as_of: formatTimestamp(asOfMs),
    entity: Object.fromEntries(entity) as unknown,
    shards: shards.map(({ view, stateFingerprint, readFingerprint, shard, position }) => ({
      view,
      state_fingerprint: stateFingerprint,
      read_fingerprint: readFingerprint,
      source: shard.source,
      entity_key: shard.entityKey,
      partition: shard.partition,
      position,
    })),
  };
  return Buffer.from(JSON.stringify(receipt), 'utf8').toString('base64url');
}
