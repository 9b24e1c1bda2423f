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

export type OracleStatus = 'PRESENT' | 'NULL_VALUE' | 'NOT_FOUND' | 'OUTSIDE_MAX_AGE' | 'OVER_LIMIT';

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

/** `events` are those of the entity, in the total order. */
export function oracleEvaluate(view: ModelView, events: readonly OracleEvent[], asOfMs: number): OracleResult[] {
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
 * becomes known and `max_age` does not expire. `from` may be −Infinity and `until` Infinity.
 */
export function oracleInterval(
  view: ModelView,
  events: readonly OracleEvent[],
  asOfMs: number,
): { fromMs: number; untilMs: number } {
  const spans = outputsOf(view).map((output) => output.span);
  let fromMs = Number.NEGATIVE_INFINITY;
  let untilMs = Number.POSITIVE_INFINITY;
  for (const changeMs of changesOf(view, spans, events)) {
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
