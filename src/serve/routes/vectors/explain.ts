/** `include: ["explain"]`: per value, the window, tiles and event coordinates it came from; for a derived one, its inputs. */
import { formatDuration, formatTimestamp } from '../../../core/time.ts';
import { type Explanation, explain } from '../../../state/explain.ts';
import type { ServicePlan, Selection } from '../../../vector/service.ts';
import type { Answer, AnsweredRow } from './answer.ts';

export function explainRow(
  plan: ServicePlan,
  selection: Selection,
  answer: Answer,
  row: AnsweredRow & { readonly kind: 'vector' },
): Record<string, object> {
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
      explained[name] = explainFeature(plan, answer, row, feature.appearance, feature.feature);
    }
  }
  return explained;
}

function explainFeature(
  plan: ServicePlan,
  answer: Answer,
  row: AnsweredRow & { readonly kind: 'vector' },
  appearance: number,
  feature: number,
): object {
  const view = plan.definition.appearances[appearance]?.view;
  const definition = view?.features[feature];
  const read = row.reads[appearance];
  const where = { view: view?.id ?? '', feature: definition?.name ?? '' };
  if (read === undefined || read.kind === 'error' || row.asOfMs === null) return where;
  const viewPlan = answer.evaluator.planOf(read.view);
  const state = answer.evaluator.stateOf(read);
  const found = explain(viewPlan, state, feature, row.asOfMs);
  const entity = read.kind === 'entity' ? (JSON.parse(read.ref.entity) as unknown) : null;
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
