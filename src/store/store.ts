/**
 * The `Store` port: entity states and checkpoints of shards, with the commit of DESIGN section 6. Adapters: sqlite.ts
 * (embedded), later Redis; one contract suite runs over every adapter.
 */
import type { StateChange, StoredState } from '../state/state.ts';

/** One partition of one source keyed by one entity key: the unit of ownership, state and atomicity. */
export interface ShardId {
  readonly source: string;
  /** The source columns that make the entity key, joined with `,`. */
  readonly entityKey: string;
  readonly partition: number;
}

/** Source partition → next offset to read. */
export type Position = Readonly<Record<number, number>>;

/** Per (shard, state fingerprint). Times are ms. */
export interface Checkpoint {
  readonly position: Position;
  /** Partitions of the topic that the shard is read from: another number means other shards. */
  readonly partitions: number;
  /**
   * Next offset of the internal topic's partition, for a shard whose source is repartitioned: its `position` has one entry
   * for each source partition. Null: read from the source itself.
   */
  readonly transitPosition: number | null;
  /** When the build began that this continues: states written under another value are not part of it, and count as absent. */
  readonly buildStartedMs: number;
  readonly epoch: number;
  /** Identifies the owner that wrote it last, for operators. */
  readonly owner: string;
  readonly heartbeatMs: number;
  /** When the owner last confirmed having reached the log's end; null: never yet. */
  readonly caughtUpAtMs: number | null;
  /** Log end when the build began: below it the shard is `REBUILDING`. */
  readonly buildTarget: Position;
  /** Event time before which history may be missing; null: history is complete. */
  readonly completeFromMs: number | null;
  /** Greatest event time folded, minus `max_disorder`; null before the first event. */
  readonly watermarkMs: number | null;
  /** When the owner last received records, by its clock; null: never yet. Decides whether the partition is idle. */
  readonly receivedAtMs: number | null;
  /** Of a shard whose source is repartitioned; null: nothing is being erased. */
  readonly erasing: Erasing | null;
}

/** Erasures that some partitions of the source have told of and others have not (materialize/erasing.ts). */
export interface Erasing {
  /** Source partitions whose head was lost before it could be moved → their first offset. */
  readonly begins: Position;
  readonly pending: readonly PendingErasure[];
}

export interface PendingErasure {
  readonly id: string;
  readonly entity: string;
  /** Source partitions whose control record is still to come → where it is at the earliest. */
  readonly waiting: Position;
}

/**
 * What names the states under a checkpoint. Both, for a store that went back to an older build may be at the very position
 * where its owner is, over states that are none of its own.
 */
export interface Place {
  readonly position: Position;
  readonly buildStartedMs: number;
}

/** One view's part of a flush. */
export interface CommitSection {
  readonly fingerprint: string;
  /** Where the stored checkpoint must be; null: there must be none. */
  readonly expected: Place | null;
  /** The checkpoint to write: its position is the next position, its epoch the writer's. */
  readonly checkpoint: Checkpoint;
  /** States written are kept this long after their last write, ms; null: for ever. The checkpoint is kept for ever. */
  readonly stateTtlMs: number | null;
  readonly changes: readonly { readonly entity: string; readonly change: StateChange }[];
}

/** Everything is checked before the first write; all sections are written, or none. */
export interface Commit {
  readonly shard: ShardId;
  readonly sections: readonly CommitSection[];
}

export type CommitResult =
  | { readonly kind: 'ok' }
  /** A greater epoch is stored: this writer is a standby now. */
  | { readonly kind: 'fenced'; readonly fingerprint: string; readonly epoch: number }
  /** Position, build, an entity's version or the head to append to differ: drop what is in memory, seek to the stored position, replay. */
  | { readonly kind: 'moved'; readonly fingerprint: string; readonly position: Position | null };

/** One atomic read: states as of `checkpoint`. */
export interface ShardRead {
  /** Null: nothing was ever committed for this fingerprint. */
  readonly checkpoint: Checkpoint | null;
  /** Aligned with the entities asked for; null: no state. */
  readonly states: readonly (StoredState | null)[];
}

export interface ReadSection {
  readonly fingerprint: string;
  readonly entities: readonly string[];
  /**
   * Tiles that the reader has of an earlier read, by entity: they change with a seal alone, and are most of a state's bytes. Where
   * the head belongs with them, the answer may hold them instead of what is stored, which is the same.
   */
  readonly knownTiles?: ReadonlyMap<string, Uint8Array>;
}

/** What the store holds for one fingerprint of a shard. */
export interface StoredFingerprint {
  readonly shard: ShardId;
  readonly fingerprint: string;
  readonly checkpoint: Checkpoint;
}

/** What subscribers are told of a commit. Both places of a section name builds, too: another build begins with nothing. */
export interface CommitNotice {
  readonly shard: ShardId;
  readonly sections: readonly NoticeSection[];
}

export interface NoticeSection {
  readonly fingerprint: string;
  /** Where the stored checkpoint was; null: there was none. */
  readonly expected: Place | null;
  /** As written: its position is the next one. */
  readonly checkpoint: Checkpoint;
  /** Entities whose states were written. */
  readonly entities: readonly string[];
}

export interface CommitListener {
  /**
   * One call for each commit, in the order in which they were made. Some may be missing without a word: that the next one
   * expects another place than the one before wrote is how that shows.
   */
  onCommit(notice: CommitNotice): void;
  /**
   * Commits of the shard are told from here on. Said again after each interruption, and after a message that nobody understands: what
   * was made before was not told.
   */
  onBegin(shard: ShardId): void;
}

/** Never fails: as long as the store cannot be reached, nothing is told. */
export interface Subscription {
  /** Begins to tell of a shard's commits. */
  follow(shard: ShardId): void;
  unfollow(shard: ShardId): void;
  close(): Promise<void>;
}

export interface Store {
  /** Bounds on the bytes of one commit and on the states it changes, which the driver keeps: how long a commit may hold the store. */
  readonly commitBytesMax: number;
  readonly commitChangesMax: number;
  commit(commit: Commit): Promise<CommitResult>;
  /**
   * All sections reflect one moment of the shard. Aligned with `sections`. Reads asked for in one turn, before anything is
   * awaited, share a round trip.
   */
  read(shard: ShardId, sections: readonly ReadSection[]): Promise<readonly ShardRead[]>;
  /** Tells of commits, made by any process where the store is one that processes share over a network, else by this one. */
  subscribe(listener: CommitListener): Subscription;
  /** Name of the node that holds the shard, as far as is known: nodes fail one by one. */
  nodeOf(shard: ShardId): string;
  /** Everything the namespace holds, for operators. Not one moment: others may write meanwhile. */
  list(): Promise<readonly StoredFingerprint[]>;
  /**
   * Deletes the checkpoint, then the states; answers how many states there were. Killed in between, another call ends it.
   * Whoever still writes is answered `moved`, and builds again.
   */
  drop(shard: ShardId, fingerprint: string): Promise<number>;
  /** Resolves when the store answers; rejects with a retryable error when it does not. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
