/**
 * `include: ["explain"]`: per value, the fingerprints of its view, the window, tiles and event coordinates it came from; for a
 * derived one, its inputs.
 */
import { formatDuration, formatTimestamp } from '../../../core/time.ts';
import { type Explanation, explain } from '../../../state/explain.ts';
import type { ViewPlan } from '../../../state/plan.ts';
import type { Selection, ServicePlan } from '../../../vector/service.ts';
import type { RowEvaluator } from './row-evaluation.ts';
import type { AppearanceRead } from './row-reads.ts';

/** A row that was read and evaluated. */
export interface ExplainedRow {
  /** Looks at the row. */
  readonly evaluator: RowEvaluator;
  readonly viewPlans: ReadonlyMap<string, ViewPlan>;
  /** Aligned with the selection's appearances; none, when the time was up before the row's turn. */
  readonly reads: readonly AppearanceRead[];
  readonly asOfMs: number | null;
}

export function explainRow(plan: ServicePlan, selection: Selection, row: ExplainedRow): Record<string, object> {
  const explained: Record<string, object> = {};
  for (const [index, place] of selection.served.entries()) {
    const name = selection.names[index] ?? '';
    const feature = plan.definition.features[place];
    if (feature?.kind === 'derived') {
      const derived = plan.definition.derived[feature.derived];
      explained[name] = {
        expression: derived?.expression.text ?? '',
        inputs: derived?.expression.columns ?? [],
      };
    } else if (feature !== undefined) {
      const part = selection.appearances.indexOf(feature.appearance);
      explained[name] = explainFeature(plan, row, feature.appearance, part, feature.feature);
    }
  }
  return explained;
}

function explainFeature(
  plan: ServicePlan,
  { evaluator, viewPlans, reads, asOfMs }: ExplainedRow,
  appearance: number,
  part: number,
  feature: number,
): object {
  const view = plan.definition.appearances[appearance]?.view;
  const definition = view?.features[feature];
  const read = reads[part];
  const where = {
    view: view?.id ?? '',
    feature: definition?.name ?? '',
    state_fingerprint: view?.stateFingerprint ?? '',
    read_fingerprint: view?.readFingerprint ?? '',
  };
  if (read === undefined || read === 'error' || asOfMs === null) return where;
  const found = explain(viewPlans.get(where.view) as ViewPlan, evaluator.stateOf(part), feature, asOfMs);
  const entity = read === 'no_such_entity' ? null : (JSON.parse(read.entity) as unknown);
  return { ...where, entity, ...render(found) };
}

function render(found: Explanation): object {
  return {
    window: { from: found.fromMs === null ? null : formatTimestamp(found.fromMs), to: formatTimestamp(found.untilMs) },
    sealed_until: found.sealedUntilMs === null ? null : formatTimestamp(found.sealedUntilMs),
    hop: found.hopMs === null ? null : formatDuration(found.hopMs),
    tile_count: found.tileCount,
    tiles: found.tileStartsMs.map(formatTimestamp),
    event_count: found.eventCount,
    events: found.events.map(({ tsMs, partition, offset }) => ({ ts: formatTimestamp(tsMs), partition, offset })),
  };
}
