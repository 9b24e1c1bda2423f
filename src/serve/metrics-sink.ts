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
