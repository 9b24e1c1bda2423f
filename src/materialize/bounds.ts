/** Every bound of the live driver, by name. What is beyond one waits in the log: nothing is dropped for being too much. */

export interface MaterializeBounds {
  /** One fetch from the log. */
  readonly batchRecordsMax: number;
  readonly batchBytesMax: number;
  /** One fetch of what is to be moved, and so one transaction: each of these costs some milliseconds, however much is in it. */
  readonly moveRecordsMax: number;
  /**
   * Records decoded at once; the store's `commitBytesMax` mostly ends a commit sooner, but the last commit of each such chunk
   * takes what is left. Smaller chunks mean more of these: of 500 instead of 2,000 a sixth less throughput, of 2,000 instead
   * of 4,000 a twentieth. Decoding so many holds the event loop for some 6 ms.
   */
  readonly flushRecordsMax: number;
  /** Entity states read from the store in one call. */
  readonly readEntitiesMax: number;
  /**
   * Entity states kept in memory between chunks, over all shards, as far as their size can be guessed. Those of the
   * chunk at hand come on top: at most `flushRecordsMax` per lane.
   */
  readonly stateBytesMax: number;
  /** A shard commits at least this often, events or none. */
  readonly heartbeatMs: number;
  /** Of a source, positions are noted at most this often (position-notes.ts). */
  readonly noteMs: number;
  /** A heartbeat older than this is that of an owner who is gone. */
  readonly takeoverMs: number;
  /** A lane that stands by looks at the checkpoint this often: its owner may have given it up. */
  readonly standbyAskMs: number;
  /** The log is asked this often whether the topic has grown. */
  readonly topicAskMs: number;
  /** Where a repartitioned source is quiet, movers say this often that its end is still reached. */
  readonly confirmMs: number;
  /** Where lanes of a partition are farther apart than this many offsets, they take turns of this many ms. */
  readonly nearOffsets: number;
  /** The same of an internal topic, of which each offset is a bundle. */
  readonly nearBundles: number;
  readonly turnMs: number;
  /** Waits between attempts while the log or the store cannot be reached: doubling from the first to the last. */
  readonly retryFirstMs: number;
  readonly retryLastMs: number;
  /** `moved` answers in a row, with nothing more in the store, after which a shard fails: replaying does not help. */
  readonly movedInARowMax: number;
  /** Builds that take the place of corrupt states, by one process, after which a shard fails: its store damages them. */
  readonly rebuildsMax: number;
  /** `stop()` resolves within this. */
  readonly stopMs: number;
}

export const DEFAULT_BOUNDS: MaterializeBounds = {
  batchRecordsMax: 4_000,
  batchBytesMax: 4_194_304,
  moveRecordsMax: 8_000,
  flushRecordsMax: 4_000,
  readEntitiesMax: 500,
  stateBytesMax: 268_435_456,
  heartbeatMs: 1_000,
  noteMs: 1_000,
  takeoverMs: 10_000,
  standbyAskMs: 2_000,
  topicAskMs: 10_000,
  confirmMs: 5_000,
  nearOffsets: 4_000,
  nearBundles: 16,
  turnMs: 2_000,
  retryFirstMs: 50,
  retryLastMs: 5_000,
  movedInARowMax: 20,
  rebuildsMax: 3,
  stopMs: 5_000,
};
