/**
 * A receipt: what it takes to reproduce one vector. Opaque to clients: base64url of JSON with its fields in the order
 * below. Replaying each shard's log up to its position and evaluating at `as_of` gives the same bits.
 */
import type { Value } from '../../../core/value.ts';
import type { ViewDefinition } from '../../../definition/definition.ts';
import type { Selection, ServicePlan } from '../../../vector/service.ts';
import { timestampText } from '../../../vector/text.ts';
import type { EntityRef, ShardOutcome } from '../../shard-reads.ts';
import type { AppearanceRead } from './row-reads.ts';

const RECEIPT_FORMAT = 1;

export interface ReceiptWriter {
  /** `reads`: of the row, aligned with the selection's appearances; none, when the time was up before its turn. */
  write(request: readonly Value[], asOfMs: number, reads: readonly AppearanceRead[]): string;
}

/** For the rows of one request: each shard's part is written once. */
export function createReceipts(
  plan: ServicePlan,
  selection: Selection,
  outcomes: ReadonlyMap<string, ShardOutcome>,
): ReceiptWriter {
  const { name: service, version, fingerprint } = plan.definition;
  const head = JSON.stringify({ format: RECEIPT_FORMAT, service, version, fingerprint }).slice(0, -1);
  const views = selection.appearances.map((index) => plan.definition.appearances[index]?.view as ViewDefinition);
  const texts = views.map(() => new Map<string, string>());
  return {
    write(request, asOfMs, reads) {
      const entity = plan.columnWriters.map(({ label, write }, index) => label + write(request[index] ?? null));
      // Views that read one shard in one way are said once.
      const shards = new Set<string>();
      for (const [part, view] of views.entries()) {
        const read = reads[part];
        if (read === undefined || typeof read === 'string') continue;
        const known = texts[part] as Map<string, string>;
        const text = known.get(read.shard) ?? shardPart(view, read, outcomes.get(read.shard));
        known.set(read.shard, text);
        if (text !== '') shards.add(text);
      }
      const asOf = timestampText(asOfMs);
      const receipt = `${head},"as_of":${asOf},"entity":{${entity.join(',')}},"shards":[${[...shards].join(',')}]}`;
      return Buffer.from(receipt, 'utf8').toString('base64url');
    },
  };
}

/** The shard as the view read it; empty where it could not be read, or holds nothing of the view. */
function shardPart(view: ViewDefinition, { id }: EntityRef, outcome: ShardOutcome | undefined): string {
  if (outcome?.kind !== 'read') return '';
  const checkpoint = outcome.sections.get(view.stateFingerprint)?.checkpoint ?? null;
  if (checkpoint === null) return '';
  return JSON.stringify({
    view: view.id,
    state_fingerprint: view.stateFingerprint,
    read_fingerprint: view.readFingerprint,
    source: id.source,
    entity_key: id.entityKey,
    partition: id.partition,
    position: checkpoint.position,
  });
}
