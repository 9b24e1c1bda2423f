/** Receipts of a request's rows (vector/receipt.ts): each shard's part is written once. */
import type { Status } from '../../../core/status.ts';
import type { Value } from '../../../core/value.ts';
import type { ViewDefinition } from '../../../definition/definition.ts';
import { type ReceiptRead, formatReceipt, receiptHead, receiptShardText } from '../../../vector/receipt.ts';
import type { Selection, ServicePlan } from '../../../vector/service.ts';
import { shardFacts } from '../../../vector/shard-facts.ts';
import type { EntityRef, ShardOutcome } from '../../shard-reads.ts';
import type { AppearanceRead } from './row-reads.ts';

/** A row as it was read, its arrays aligned with the selection's appearances. */
export interface ReceiptRow {
  readonly request: readonly Value[];
  readonly asOfMs: number;
  readonly reads: readonly AppearanceRead[];
  /** Why nothing of an appearance was evaluated; null: it was. */
  readonly withheld: readonly (Status | null)[];
}

export interface ReceiptWriter {
  /** `values`: JSON text of what is served. */
  write(row: ReceiptRow, values: string): string;
}

export function createReceipts(
  plan: ServicePlan,
  selection: Selection,
  outcomes: ReadonlyMap<string, ShardOutcome>,
  nowMs: number,
): ReceiptWriter {
  const head = receiptHead(plan.definition, selection === plan.everything ? null : selection.served);
  const parts = selection.appearances.map((index) => ({
    view: plan.definition.appearances[index]?.view as ViewDefinition,
    texts: new Map<string, string>(),
  }));
  return {
    write({ request, asOfMs, reads, withheld }, values) {
      // Views that read one shard in one way say so once.
      const shards = new Map<string, number>();
      const answered = parts.map(({ view, texts }, part): ReceiptRead => {
        const [status = null, read] = [withheld[part], reads[part]];
        const isRead = read !== undefined && typeof read !== 'string';
        // A state that cannot be decoded was read all the same: what the log gives in its place is for the replay to say.
        if (status !== null && !(status === 'ERROR' && isRead)) return status;
        if (!isRead) return null;
        const text = texts.get(read.shard) ?? shardText(view, read, outcomes.get(read.shard), nowMs);
        texts.set(read.shard, text);
        const place = shards.get(text) ?? shards.size;
        shards.set(text, place);
        return place;
      });
      const entity = plan.columnWriters
        .map(({ label, write }, index) => label + write(request[index] ?? null))
        .join(',');
      return formatReceipt({ head, asOfMs, entity, shards: shards.keys(), reads: answered, values });
    },
  };
}

/** The shard as the view read it: something of it was evaluated, or could not be decoded. */
function shardText(view: ViewDefinition, { id }: EntityRef, outcome: ShardOutcome | undefined, nowMs: number): string {
  const section = outcome?.kind === 'read' ? outcome.sections.get(view.stateFingerprint) : undefined;
  const checkpoint = section?.checkpoint ?? null;
  const facts = shardFacts(checkpoint, view.source.staleAfterMs, nowMs);
  return receiptShardText({
    ...id,
    position: checkpoint?.position ?? {},
    completeFromMs: facts.kind === 'serving' ? facts.completeFromMs : null,
    stale: facts.kind === 'serving' && facts.stale,
  });
}
