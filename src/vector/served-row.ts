/**
 * A row as it was served, in the served log: what serving writes and the audit reads. JSON, one record a row, with the
 * receipt by which the same bits can be made again.
 */
import { STATUSES, type Status } from '../core/status.ts';
import { parseTimestampMs } from '../core/time.ts';
import type { Json } from './render.ts';

export const SERVED_FORMAT = 1;

export interface ServedRow {
  readonly service: string;
  readonly version: number;
  readonly fingerprint: string;
  readonly asOfMs: number;
  /** Wall time of the request. */
  readonly servedMs: number;
  readonly features: readonly string[];
  /** Aligned with the features, as are the statuses. */
  readonly values: readonly Json[];
  readonly statuses: readonly Status[];
  /** Request columns: entity keys and inputs. */
  readonly entity: Readonly<Record<string, Json>>;
  readonly receipt: string;
}

/** The topic of a deployment. */
export function servedTopic(namespace: string): string {
  return `${namespace}.served`;
}

const TEXT_DECODER = new TextDecoder();

/** Null: it is none, or of a format that this version does not know. */
export function parseServedRow(value: Uint8Array | null): ServedRow | null {
  if (value === null) return null;
  try {
    return fromJson(JSON.parse(TEXT_DECODER.decode(value)) as Readonly<Record<string, unknown>> | null);
  } catch {
    return null;
  }
}

function fromJson(json: Readonly<Record<string, unknown>> | null): ServedRow | null {
  if (json?.['format'] !== SERVED_FORMAT) return null;
  const { service, version, fingerprint, as_of: asOf, served_at: servedAt, features, values, status } = json;
  const { entity, receipt } = json;
  if (typeof service !== 'string' || typeof version !== 'number' || typeof fingerprint !== 'string') return null;
  if (typeof receipt !== 'string' || typeof entity !== 'object' || entity === null) return null;
  const asOfMs = typeof asOf === 'string' ? parseTimestampMs(asOf) : null;
  const servedMs = typeof servedAt === 'string' ? parseTimestampMs(servedAt) : null;
  if (asOfMs === null || servedMs === null) return null;
  if (!isTexts(features) || !Array.isArray(values) || !isTexts(status)) return null;
  if (values.length !== features.length || status.length !== features.length || !status.every(isStatus)) return null;
  return {
    service,
    version,
    fingerprint,
    asOfMs,
    servedMs,
    features,
    values: values as readonly Json[],
    statuses: status,
    entity: entity as ServedRow['entity'],
    receipt,
  };
}

function isTexts(json: unknown): json is readonly string[] {
  return Array.isArray(json) && json.every((each) => typeof each === 'string');
}

function isStatus(text: string): text is Status {
  return (STATUSES as readonly string[]).includes(text);
}
