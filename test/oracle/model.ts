/**
 * Definitions as the oracle and the generators hold them: plain objects in the shape of the YAML, with expressions as
 * trees. Durations and hops are worked out here, from DESIGN's table, and not shared with the program under test.
 */
import type { Expression } from './expression.ts';

export type Kind = 'string' | 'bool' | 'int' | 'int64' | 'double' | 'timestamp' | 'double[2]' | 'int64?[]';
export type Scalar = null | string | boolean | number | bigint;
export type Cell = Scalar | readonly Cell[];
export type OracleValue = Cell | readonly OracleValue[] | { readonly [member: string]: Cell };

export interface ModelField {
  readonly name: string;
  readonly kind: Kind;
  readonly nullable: boolean;
  /** Keys that lead to the field in the record; its name when absent. */
  readonly path?: readonly string[];
}

export interface ModelSource {
  readonly name: string;
  readonly fields: readonly ModelField[];
  readonly derive?: readonly { readonly name: string; readonly expression: Expression }[];
  readonly event_time: string;
  readonly event_id?: string;
  readonly clock?: 'wall' | 'watermark';
  readonly max_disorder?: string;
  readonly max_ahead?: string;
}

export type ModelWindow = string | { readonly length: string; readonly offset?: string; readonly hop?: string };

export interface ModelFeature {
  readonly name: string;
  readonly agg: string;
  readonly of?: Expression;
  /** Instead of `of`: members of a struct, in order. */
  readonly members?: readonly (readonly [string, Expression])[];
  readonly where?: Expression;
  readonly windows?: readonly ModelWindow[];
  readonly default?: OracleValue;
  readonly n?: number;
  readonly k?: number;
  readonly q?: number;
  readonly edges?: readonly number[];
  readonly keys_max?: number;
}

export interface ModelView {
  readonly name: string;
  readonly source: ModelSource;
  /** Entity keys in order, and the source column that holds each. */
  readonly keys: readonly { readonly name: string; readonly kind: Kind; readonly column: string }[];
  readonly where?: Expression;
  readonly max_age?: string;
  readonly history?: string;
  readonly incomplete?: 'withhold' | 'serve';
  readonly head_max?: number;
  readonly head_limit?: number;
  readonly features: readonly ModelFeature[];
}

/** What a window covers; a lifetime has no tail. */
export interface Span {
  readonly lengthMs: number;
  readonly offsetMs: number;
  readonly hopMs: number;
}

/** One output: a feature over one of its windows. */
export interface Output {
  readonly name: string;
  readonly feature: ModelFeature;
  /** Null: the lifetime. */
  readonly span: Span | null;
}

const UNITS: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);

export function durationMs(text: string): number {
  const digits = /^\d+/.exec(text)?.[0] ?? '';
  const unitMs = UNITS.get(text.slice(digits.length));
  if (digits === '' || unitMs === undefined) throw new RangeError(`oracle: ${text} is no duration`);
  return Number(digits) * unitMs;
}

/** Largest length, and its hop. */
const HOPS = [
  ['1m', '1s'],
  ['10m', '5s'],
  ['1h', '1m'],
  ['6h', '5m'],
  ['24h', '15m'],
  ['7d', '1h'],
  ['30d', '6h'],
] as const;

export function defaultHopMs(lengthMs: number): number {
  for (const [length, hop] of HOPS) if (lengthMs <= durationMs(length)) return durationMs(hop);
  return durationMs('1d');
}

export function spanOf(window: ModelWindow): Span | null {
  if (window === 'lifetime') return null;
  const { length, offset, hop } = typeof window === 'string' ? { length: window } : window;
  const lengthMs = durationMs(length);
  return {
    lengthMs,
    offsetMs: offset === undefined ? 0 : durationMs(offset),
    hopMs: hop === undefined ? defaultHopMs(lengthMs) : durationMs(hop),
  };
}

/** `1h`, `24h_ago_7d`, `lifetime`. */
function suffixOf(window: ModelWindow): string {
  if (typeof window === 'string') return window;
  return window.offset === undefined ? window.length : `${window.length}_ago_${window.offset}`;
}

/** All outputs of a view, in the order of definition. */
export function outputsOf(view: ModelView): Output[] {
  return view.features.flatMap((feature): Output[] => {
    if (feature.windows === undefined) return [{ name: feature.name, feature, span: null }];
    return feature.windows.map((window) => ({
      name: `${feature.name}_${suffixOf(window)}`,
      feature,
      span: spanOf(window),
    }));
  });
}

export function floorTo(ms: number, hopMs: number): number {
  return Math.floor(ms / hopMs) * hopMs;
}

/** First millisecond that a window covers at `asOfMs`. */
export function tailMs(span: Span | null, asOfMs: number): number {
  if (span === null) return Number.NEGATIVE_INFINITY;
  return floorTo(asOfMs - span.offsetMs - span.lengthMs, span.hopMs);
}

/** First millisecond that it no longer covers. */
export function edgeMs(span: Span | null, asOfMs: number): number {
  if (span === null || span.offsetMs === 0) return asOfMs;
  return floorTo(asOfMs - span.offsetMs, span.hopMs);
}
