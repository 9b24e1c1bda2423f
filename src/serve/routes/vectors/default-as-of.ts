/**
 * What "now" means for a request without `as_of` (DESIGN section 7): the wall clock if every source behind the request
 * goes by it, else the earliest watermark of those that do not.
 */
import type { SourceDefinition } from '../../../definition/definition.ts';
import type { ServicePlan, Selection } from '../../../vector/service.ts';
import type { Checkpoint } from '../../../store/store.ts';
import type { Serving } from '../../dependencies.ts';
import { type PartitionCounts, entityKeyOf } from '../../partitions.ts';
import { RequestError, item } from '../../problem.ts';
import { type ReadRequest, type ShardOutcome, shardText } from '../../shard-reads.ts';
import { sourceWatermark } from '../../watermarks.ts';

const RETRY_AFTER_SECONDS = 1;

/** Asks for the checkpoints that `defaultAsOf` looks at. */
export function planWatermarks(
  plan: ServicePlan,
  selection: Selection,
  reads: ReadRequest,
  counts: PartitionCounts,
): void {
  for (const index of selection.appearances) {
    const view = plan.definition.appearances[index]?.view;
    if (view?.source.clock !== 'watermark') continue;
    const count = counts.get(view.source.name) ?? 1;
    for (let partition = 0; partition < count; partition++) {
      reads.checkpoint({ source: view.source.name, entityKey: entityKeyOf(view), partition }, view.stateFingerprint);
    }
  }
}

/**
 * Null when the budget was spent before it could be known. Throws 503 `no_watermark` when a source that goes by its
 * watermark has none yet, and 503 `store_unavailable` when it could not be read. A partition that could not be may be farther behind
 * than all that were: then what is known of the source is what was seen before.
 */
export function defaultAsOf(
  serving: Serving,
  plan: ServicePlan,
  selection: Selection,
  outcomes: ReadonlyMap<string, ShardOutcome>,
  counts: PartitionCounts,
  nowMs: number,
): number | null {
  const sources = selection.sources.filter(({ clock }) => clock === 'watermark');
  if (sources.length === 0) return nowMs;
  let asOfMs = Number.POSITIVE_INFINITY;
  for (const source of sources) {
    const count = counts.get(source.name) ?? 1;
    const shards = outcomesOf(plan, selection, source, count, outcomes);
    const checkpoints = shards.flatMap(({ outcome, fingerprint }) => checkpointOf(outcome, fingerprint) ?? []);
    const isWhole = shards.every(({ outcome }) => outcome.kind === 'read');
    const read = isWhole ? sourceWatermark(checkpoints, source.idleAfterMs) : null;
    const watermarkMs = serving.watermarks.observe(source.name, read);
    if (watermarkMs === null) {
      if (shards.some(({ outcome }) => outcome.kind === 'timed_out')) return null;
      throw shards.some(({ outcome }) => outcome.kind === 'unavailable') ? storeUnavailable() : noWatermark(source);
    }
    asOfMs = Math.min(asOfMs, watermarkMs);
  }
  return asOfMs;
}

function outcomesOf(
  plan: ServicePlan,
  selection: Selection,
  source: SourceDefinition,
  count: number,
  outcomes: ReadonlyMap<string, ShardOutcome>,
): readonly { readonly outcome: ShardOutcome; readonly fingerprint: string }[] {
  return selection.appearances.flatMap((index) => {
    const view = plan.definition.appearances[index]?.view;
    if (view?.source.name !== source.name) return [];
    return Array.from({ length: count }, (_, partition) => {
      const shard = { source: source.name, entityKey: entityKeyOf(view), partition };
      const outcome: ShardOutcome = outcomes.get(shardText(shard)) ?? { kind: 'timed_out' };
      return { outcome, fingerprint: view.stateFingerprint };
    });
  });
}

function checkpointOf(outcome: ShardOutcome, fingerprint: string): Checkpoint | null {
  return outcome.kind === 'read' ? (outcome.sections.get(fingerprint)?.checkpoint ?? null) : null;
}

function noWatermark(source: SourceDefinition): RequestError {
  const message = `the source ${source.name} has no watermark yet: no event of it was folded; say as_of, or try again`;
  return new RequestError(503, [item('no_watermark', null, message)], RETRY_AFTER_SECONDS);
}

export function storeUnavailable(): RequestError {
  return new RequestError(
    503,
    [item('store_unavailable', null, 'the state store could not be read')],
    RETRY_AFTER_SECONDS,
  );
}
