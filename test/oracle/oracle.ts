/**
 * The naive oracle: keeps every event of a log and recomputes a vector from scratch for (view, entity, as_of). It
 * knows nothing of heads, tiles, seals or caches, and imports nothing from src/.
 */
import { aggregate, type Aggregated, type Counted } from './aggregate.ts';
import { decode, type OracleEvent, type OracleRecord } from './decode.ts';
import { evaluate } from './expression.ts';
import {
  durationMs,
  edgeMs,
  floorTo,
  type ModelView,
  type Output,
  outputsOf,
  type OracleValue,
  type Span,
  tailMs,
} from './model.ts';

export type OracleStatus = 'PRESENT' | 'NULL_VALUE' | 'NOT_FOUND' | 'OUTSIDE_MAX_AGE' | 'INCOMPLETE' | 'OVER_LIMIT';

export interface OracleResult {
  readonly name: string;
  readonly aggregation: string;
  readonly status: OracleStatus;
  /** Withheld values are null; `time_since_last` is an event time, as the engine keeps it. */
  readonly result: Aggregated;
  readonly eventTimeMs: number | null;
}

/** Events of one view in the total order, of all entities. */
export function eventsOf(view: ModelView, records: readonly OracleRecord[]): OracleEvent[] {
  return records
    .map((record) => decode(view, record))
    .flatMap((decoded) => (decoded.kind === 'event' ? [decoded.event] : []))
    .toSorted(totalOrder);
}

export function totalOrder(a: OracleEvent, b: OracleEvent): number {
  return a.tsMs - b.tsMs || a.partition - b.partition || a.offset - b.offset;
}

/**
 * `events` are those of the entity, in the total order. Before `completeFromMs` some may be missing: what looks that far
 * back is INCOMPLETE, and so is everything of an entity of which nothing is seen where something may be missing.
 */
export function oracleEvaluate(
  view: ModelView,
  events: readonly OracleEvent[],
  asOfMs: number,
  completeFromMs: number = Number.NEGATIVE_INFINITY,
): OracleResult[] {
  const results = evaluateSeen(view, events, asOfMs);
  const spans = outputsOf(view).map((output) => output.span);
  const lacks = spans.map((span) => isIncomplete(span, asOfMs, completeFromMs));
  return results.map((result, index) => {
    if (result.status === 'OUTSIDE_MAX_AGE' || result.status === 'OVER_LIMIT') return result;
    if (result.status === 'NOT_FOUND' ? !lacks.includes(true) : lacks[index] === false) return result;
    return { ...result, status: 'INCOMPLETE', result: view.incomplete === 'serve' ? result.result : NOTHING };
  });
}

function isIncomplete(span: Span | null, asOfMs: number, completeFromMs: number): boolean {
  return Number.isFinite(completeFromMs) && tailMs(span, asOfMs) < completeFromMs;
}

function evaluateSeen(view: ModelView, events: readonly OracleEvent[], asOfMs: number): OracleResult[] {
  const outputs = outputsOf(view);
  const withheld = withholding(view, outputs, events, asOfMs);
  return outputs.map((output) => {
    const { name, feature } = output;
    const named = { name, aggregation: feature.agg };
    const fallback: Aggregated = { kind: 'value', value: feature.default ?? null };
    if (withheld === 'NOT_FOUND') return { ...named, status: withheld, result: fallback, eventTimeMs: null };
    const inWindow = events.filter((event) => contributes(output.span, event.tsMs, asOfMs));
    const eventTimeMs = inWindow.at(-1)?.tsMs ?? null;
    if (withheld === 'OUTSIDE_MAX_AGE') return { ...named, status: withheld, result: NOTHING, eventTimeMs };
    const result = aggregate(feature, countedBy(output, inWindow));
    if (result.kind === 'over_limit') return { ...named, status: 'OVER_LIMIT', result: NOTHING, eventTimeMs };
    if (result.kind === 'value' && result.value === null) {
      return { ...named, status: 'NULL_VALUE', result: fallback, eventTimeMs };
    }
    return { ...named, status: 'PRESENT', result, eventTimeMs };
  });
}

const NOTHING: Aggregated = { kind: 'value', value: null };

function withholding(
  view: ModelView,
  outputs: readonly Output[],
  events: readonly OracleEvent[],
  asOfMs: number,
): OracleStatus | null {
  const reachMs = Math.min(...outputs.map((output) => tailMs(output.span, asOfMs)));
  const newest = events.findLast((event) => event.tsMs < asOfMs);
  if (newest === undefined || newest.tsMs < reachMs) return 'NOT_FOUND';
  if (view.max_age !== undefined && asOfMs - newest.tsMs > durationMs(view.max_age)) return 'OUTSIDE_MAX_AGE';
  return null;
}

function contributes(span: Span | null, tsMs: number, asOfMs: number): boolean {
  return tsMs >= tailMs(span, asOfMs) && tsMs < edgeMs(span, asOfMs);
}

function countedBy({ feature }: Output, events: readonly OracleEvent[]): Counted[] {
  return events.flatMap((event): Counted[] => {
    if (feature.where !== undefined && evaluate(feature.where, event.row) !== true) return [];
    const value = inputOf(feature, event);
    return value === null ? [] : [{ tsMs: event.tsMs, value }];
  });
}

function inputOf(feature: Output['feature'], event: OracleEvent): OracleValue {
  if (feature.members !== undefined) {
    return Object.fromEntries(feature.members.map(([name, expression]) => [name, evaluate(expression, event.row)]));
  }
  return feature.of === undefined ? true : evaluate(feature.of, event.row);
}

/**
 * The longest `[from, until)` around `asOfMs` in which no window gains or loses an event of the view, no newer event
 * becomes known, `max_age` does not expire and none becomes complete. `from` may be −Infinity and `until` Infinity.
 */
export function oracleInterval(
  view: ModelView,
  events: readonly OracleEvent[],
  asOfMs: number,
  completeFromMs: number = Number.NEGATIVE_INFINITY,
): { fromMs: number; untilMs: number } {
  const spans = outputsOf(view).map((output) => output.span);
  let fromMs = Number.NEGATIVE_INFINITY;
  let untilMs = Number.POSITIVE_INFINITY;
  for (const changeMs of [...changesOf(view, spans, events), ...completionsOf(spans, completeFromMs)]) {
    if (changeMs <= asOfMs) fromMs = Math.max(fromMs, changeMs);
    else untilMs = Math.min(untilMs, changeMs);
  }
  return { fromMs, untilMs };
}

/** Every `as_of` at which something is different from one millisecond before. */
function changesOf(view: ModelView, spans: readonly (Span | null)[], events: readonly OracleEvent[]): Set<number> {
  const changes = new Set<number>();
  for (const [index, { tsMs }] of events.entries()) {
    changes.add(tsMs + 1);
    for (const span of spans) {
      if (span === null) continue;
      const hopEndMs = floorTo(tsMs, span.hopMs) + span.hopMs;
      if (span.offsetMs > 0) changes.add(hopEndMs + span.offsetMs);
      changes.add(hopEndMs + span.offsetMs + span.lengthMs);
    }
    if (view.max_age === undefined) continue;
    const expiryMs = tsMs + durationMs(view.max_age) + 1;
    const nextMs = events[index + 1]?.tsMs ?? Number.POSITIVE_INFINITY;
    if (nextMs >= expiryMs) changes.add(expiryMs);
  }
  return changes;
}

/** When windows begin to lie within complete history. */
function completionsOf(spans: readonly (Span | null)[], completeFromMs: number): number[] {
  if (!Number.isFinite(completeFromMs)) return [];
  return spans.flatMap((span) => {
    if (span === null) return [];
    const firstTailMs = Math.ceil(completeFromMs / span.hopMs) * span.hopMs;
    return [firstTailMs + span.lengthMs + span.offsetMs];
  });
}
