/** What the server tells of itself to whoever keeps metrics; the composition root connects the two. */

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

export type FreshnessReport = readonly ShardReport[];

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

/** Why a request, or a connection, was turned away. */
export type Refusal = 'inflight' | 'event_loop_delay' | 'heap' | 'connections' | 'slow_reader';

export interface MetricsSink {
  /** After each answer; `operation` is the operation's id, or `none`. */
  request(operation: string, status: number, durationMs: number): void;
  /** One request or connection was turned away. */
  refused(reason: Refusal): void;
  /** All metrics, as Prometheus reads them. */
  text(freshness: FreshnessReport): Promise<string>;
}
