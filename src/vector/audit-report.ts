/**
 * What an audit found of one feature service, as it is published: the audit writes reports into a topic, serving lists them and
 * tells metrics of the newest. Figures and coordinates, and nothing of an entity: reports outlive what may be erased.
 */
export const AUDIT_FORMAT = 1;

export interface AuditFeature {
  readonly feature: string;
  /** Values that the replay could be held against. */
  readonly compared: number;
  /** Of these, other bits than the replay's, or another status. */
  readonly mismatched: number;
  /** Values that were not compared, by reason: a status of the moment, or `not_reproducible`. */
  readonly skipped: Readonly<Record<string, number>>;
  /** To what is true by event time, of those compared: value or status differs; truth alone, or what was served alone has a value. */
  readonly differing: number;
  readonly missing: number;
  readonly extra: number;
  /** Between numbers, over those that differ; null: there are none. */
  readonly mean_difference: number | null;
  readonly largest_difference: number | null;
}

/** Where a row is in the served log, of which a value is not what the replay gives. */
export interface AuditExample {
  readonly feature: string;
  readonly partition: number;
  readonly offset: number;
  readonly as_of: string;
}

export interface AuditReport {
  readonly format: typeof AUDIT_FORMAT;
  readonly audited_at: string;
  /** `new`: rows that no such audit had seen; `range`: those that somebody asked for. */
  readonly kind: 'new' | 'range';
  readonly service: string;
  readonly version: number;
  readonly fingerprint: string;
  /** When the first and the last of the rows were served. */
  readonly served_from: string;
  readonly served_until: string;
  /** Of the served log: partition → offsets that were read, the second not among them. */
  readonly positions: Readonly<Record<string, { readonly from: number; readonly next: number }>>;
  readonly rows: number;
  /** Rows of which nothing was compared, by reason. */
  readonly skipped: Readonly<Record<string, number>>;
  readonly compared: number;
  readonly mismatched: number;
  /** In the order of the service. */
  readonly features: readonly AuditFeature[];
  /** A few of the mismatches. */
  readonly examples: readonly AuditExample[];
}

/** The topic of a deployment, with one partition. */
export function auditsTopic(namespace: string): string {
  return `${namespace}.audits`;
}

const TEXT_DECODER = new TextDecoder();
const TEXT_ENCODER = new TextEncoder();

export function encodeReport(report: AuditReport): Uint8Array {
  return TEXT_ENCODER.encode(JSON.stringify(report));
}

/** Null: it is none, or of a format that this version does not know. */
export function parseReport(value: Uint8Array | null): AuditReport | null {
  if (value === null) return null;
  try {
    const report = JSON.parse(TEXT_DECODER.decode(value)) as AuditReport | null;
    return report?.format === AUDIT_FORMAT && Array.isArray(report.features) ? report : null;
  } catch {
    return null;
  }
}
