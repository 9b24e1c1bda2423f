/**
 * What the server tells of itself to whoever keeps metrics; the composition root connects the two. What requests tell
 * is asked for once, at start: labels are bound then, and a request makes none.
 */
import type { AuditFeature } from '../vector/audit-report.ts';

/** One shard of a view, as its checkpoint says. */
export interface ShardReport {
  readonly source: string;
  readonly view: string;
  readonly partition: number;
  readonly ready: boolean;
  readonly position: number | null;
  readonly lag: number | null;
  readonly watermarkMs: number | null;
  readonly caughtUpAtMs: number | null;
  readonly heartbeatMs: number | null;
}

export interface FreshnessReport {
  readonly shards: readonly ShardReport[];
  /** As this process has seen them; null: none yet. */
  readonly sources: readonly { readonly source: string; readonly watermarkMs: number | null }[];
}

/** Called after each answer. */
export type RequestRecorder = (status: number, durationMs: number) => void;

/** Of one service. */
export interface VectorRecorder {
  /** Values served, by rank of their status (`core/status.ts`): whoever answers adds to it. */
  readonly statusCounts: Float64Array;
  /** Of one request: rows asked for, and those of them that were answered by an error. */
  rows(count: number, refused: number): void;
}

/** Requests for vectors of one service by one reader, since the start of the process. */
export interface ReaderReport {
  readonly service: string;
  /** Name of the key, or what stands for it. */
  readonly reader: string;
  readonly requests: number;
  readonly lastMs: number;
}

/** Of one source: events of one request that were appended, and refused. */
export type IngestRecorder = (accepted: number, rejected: number) => void;

/** What is cached of states, since the start of the process. */
export interface CacheReport {
  readonly hits: number;
  readonly misses: number;
  readonly entries: number;
  readonly bytes: number;
  readonly evictions: number;
  /** By reason. */
  readonly cleared: Readonly<Record<string, number>>;
  readonly failedChecks: number;
  /** Shards that are followed. */
  readonly shards: number;
  /** Since that one was confirmed which was confirmed least lately; null: nothing is kept. */
  readonly confirmedAgeMs: number | null;
  /** The bound on it beyond which nothing is served. */
  readonly stalenessMs: number;
}

/** What became of rows that were to be logged as they were served, since the start of the process. */
export interface ServedLogReport {
  readonly logged: number;
  /** By reason. */
  readonly dropped: Readonly<Record<string, number>>;
  readonly queuedRows: number;
  readonly queuedCharacters: number;
}

/** What the newest audit of a service found. */
export interface NewestAudit {
  /** `name@version`. */
  readonly service: string;
  readonly auditedAtMs: number;
  readonly features: readonly AuditFeature[];
}

export type AuditsReport = readonly NewestAudit[];

/** Why a request, or a connection, was turned away. */
export const REFUSALS = ['inflight', 'event_loop_delay', 'heap', 'connections', 'slow_reader'] as const;

export type Refusal = (typeof REFUSALS)[number];

export interface MetricsSink {
  /** `route` is a template, such as `/v1/feature-views/{view}`; null: there was none at the path. */
  requests(method: string, route: string | null): RequestRecorder;
  vectors(service: string): VectorRecorder;
  ingest(source: string): IngestRecorder;
  /** One request or connection was turned away. */
  refused(reason: Refusal): void;
  /** How many requests are being answered: asked when somebody wants to know, as is what follows. */
  observeInflight(read: () => number): void;
  /** Never rejects; what cannot be read in time is left out. */
  observeFreshness(read: () => Promise<FreshnessReport>): void;
  observeReaders(read: () => readonly ReaderReport[]): void;
  observeAudits(read: () => AuditsReport): void;
  /** All metrics, as Prometheus reads them. */
  text(): Promise<string>;
}
