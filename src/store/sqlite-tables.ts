/** Rows of the embedded store: what is stored of a shard and of an entity's state. All calls are within a transaction. */
import { crc32 } from 'node:zlib';
import { type SqliteFile, damaged } from '../core/sqlite.ts';
import { CHECKSUM_BYTES } from '../state/checksum.ts';
import type { StateChange, StoredState } from '../state/state.ts';
import { STORE_PART } from './sqlite-schema.ts';
import type { Checkpoint, ShardId, StoredFingerprint } from './store.ts';

/** Bytes that a tail may reach before it is put behind the head. */
const TAIL_BYTES_MAX = 1_024;

/** What is stored for one fingerprint of a shard. */
export interface StoredShard {
  readonly id: number;
  readonly checkpoint: Checkpoint;
}

export interface Tables {
  /** Null: nothing was ever committed. */
  shard(shard: ShardId, fingerprint: string): StoredShard | null;
  /** The new shard's id. Its checkpoint must be set in the same transaction. */
  addShard(shard: ShardId, fingerprint: string): number;
  setCheckpoint(shard: number, checkpoint: Checkpoint): void;
  /** What a change is compared with: of the head its last bytes. Null: the entity has no state. */
  mark(shard: number, entity: string): Pick<StoredState, 'version' | 'head'> | null;
  state(shard: number, entity: string): StoredState | null;
  /** `expiresMs`: when the state may be forgotten; null: never. */
  change(shard: number, entity: string, change: StateChange, expiresMs: number | null): void;
  /** Forgets all states of a shard. */
  clear(shard: number): void;
  expire(shard: number, nowMs: number): void;
  list(): readonly StoredFingerprint[];
  /** Answers how many states there were. */
  drop(shard: ShardId, fingerprint: string): number;
  /** Reads from the file. */
  touch(): void;
}

export function createTables(sqlite: SqliteFile, namespace: string): Tables {
  const findShard = sqlite.prepare(
    `SELECT id, checkpoint, checksum FROM shards
     WHERE namespace = ? AND source = ? AND entity_key = ? AND partition = ? AND fingerprint = ?`,
  );
  const addShard = sqlite.prepare(
    `INSERT INTO shards (namespace, source, entity_key, partition, fingerprint, checkpoint, checksum)
     VALUES (?, ?, ?, ?, ?, '', 0)`,
  );
  const setCheckpoint = sqlite.prepare('UPDATE shards SET checkpoint = ?, checksum = ? WHERE id = ?');
  const findMark = sqlite.prepare(
    `SELECT version, CAST(substr(
       CASE length(tail) WHEN 0 THEN (SELECT bytes FROM heads WHERE state = states.id) ELSE tail END, -${CHECKSUM_BYTES}
     ) AS BLOB) AS head
     FROM states WHERE shard = ? AND entity = ?`,
  );
  // `||` answers text even of blobs; its bytes are theirs.
  const findState = sqlite.prepare(
    `SELECT version, CAST(heads.bytes || tail AS BLOB) AS head, CAST(tiles.bytes AS BLOB) AS tiles
     FROM states LEFT JOIN heads ON heads.state = states.id LEFT JOIN tiles ON tiles.state = states.id
     WHERE shard = ? AND entity = ?`,
  );
  const touch = sqlite.prepare('SELECT count(*) FROM shards');
  const change = prepareChange(sqlite);
  const remove = prepareRemove(sqlite);
  const listShards = sqlite.prepare(
    'SELECT source, entity_key AS entityKey, partition, fingerprint, checkpoint FROM shards WHERE namespace = ?',
  );
  const removeShard = sqlite.prepare('DELETE FROM shards WHERE id = ?');

  const tables: Tables = {
    shard({ source, entityKey, partition }, fingerprint) {
      const row = findShard.get(namespace, source, entityKey, partition, fingerprint);
      if (row === undefined) return null;
      const text = row['checkpoint'];
      if (typeof text !== 'string' || row['checksum'] !== crc32(text))
        throw damaged(sqlite.path, STORE_PART, 'a checkpoint fails its checksum');
      return { id: row['id'] as number, checkpoint: JSON.parse(text) as Checkpoint };
    },
    addShard: ({ source, entityKey, partition }, fingerprint) =>
      Number(addShard.run(namespace, source, entityKey, partition, fingerprint).lastInsertRowid),
    setCheckpoint(shard, checkpoint) {
      const text = JSON.stringify(checkpoint);
      setCheckpoint.run(text, crc32(text), shard);
    },
    mark: (shard, entity) => (findMark.get(shard, entity) ?? null) as ReturnType<Tables['mark']>,
    state(shard, entity) {
      const row = findState.get(shard, entity);
      if (row === undefined) return null;
      if (row['head'] === null) throw damaged(sqlite.path, STORE_PART, 'a state has lost its head');
      return row as unknown as StoredState;
    },
    change,
    touch: () => void touch.get(),
    clear: (shard) => void remove(shard, null),
    expire: (shard, nowMs) => void remove(shard, nowMs),
    list: () =>
      listShards.all(namespace).map((row) => {
        const { source, entityKey, partition, fingerprint, checkpoint } = row as Record<string, string>;
        return {
          shard: { source, entityKey, partition: Number(partition) } as ShardId,
          fingerprint: fingerprint as string,
          checkpoint: JSON.parse(checkpoint as string) as Checkpoint,
        };
      }),
    drop(shard, fingerprint) {
      const stored = tables.shard(shard, fingerprint);
      if (stored === null) return 0;
      const count = remove(stored.id, null);
      removeShard.run(stored.id);
      return count;
    },
  };
  return tables;
}

/** Forgets the states of a shard: all, or those that expired before `nowMs`; answers how many. */
function prepareRemove(sqlite: SqliteFile): (shard: number, nowMs: number | null) => number {
  const which = {
    all: 'shard = ? AND ? IS NULL',
    expired: 'shard = ? AND expires_ms < ?',
  };
  const prepare = (condition: string) => ({
    any: sqlite.prepare(`SELECT id FROM states WHERE ${condition} LIMIT 1`),
    parts: ['heads', 'tiles'].map((table) =>
      sqlite.prepare(`DELETE FROM ${table} WHERE state IN (SELECT id FROM states WHERE ${condition})`),
    ),
    states: sqlite.prepare(`DELETE FROM states WHERE ${condition}`),
  });
  const all = prepare(which.all);
  const expired = prepare(which.expired);
  return (shard, nowMs) => {
    const { any, parts, states } = nowMs === null ? all : expired;
    if (any.get(shard, nowMs) === undefined) return 0;
    for (const part of parts) part.run(shard, nowMs);
    return Number(states.run(shard, nowMs).changes);
  };
}

function prepareChange(sqlite: SqliteFile): Tables['change'] {
  const find = sqlite.prepare('SELECT id, length(tail) AS tailBytes FROM states WHERE shard = ? AND entity = ?');
  const add = sqlite.prepare("INSERT INTO states (shard, entity, version, tail, expires_ms) VALUES (?, ?, ?, x'', ?)");
  const appendToTail = sqlite.prepare(
    'UPDATE states SET version = ?2, tail = CAST(tail || ?3 AS BLOB), expires_ms = ?4 WHERE id = ?1',
  );
  const appendToHead = sqlite.prepare(
    `UPDATE heads SET bytes = CAST(bytes || (SELECT tail FROM states WHERE id = ?1) || ?2 AS BLOB) WHERE state = ?1`,
  );
  const emptyTail = sqlite.prepare("UPDATE states SET version = ?2, tail = x'', expires_ms = ?3 WHERE id = ?1");
  const setHead = sqlite.prepare('INSERT OR REPLACE INTO heads (state, bytes) VALUES (?, ?)');
  const setTiles = sqlite.prepare('INSERT OR REPLACE INTO tiles (state, bytes) VALUES (?, ?)');

  const removals = [
    'DELETE FROM heads WHERE state = ?',
    'DELETE FROM tiles WHERE state = ?',
    'DELETE FROM states WHERE id = ?',
  ].map((statement) => sqlite.prepare(statement));

  return (shard, entity, { toVersion, head: { mode, bytes }, tiles }, expiresMs) => {
    const row = find.get(shard, entity) as { id: number; tailBytes: number } | undefined;
    if (mode === 'delete') {
      if (row !== undefined) for (const removal of removals) removal.run(row.id);
      return;
    }
    if (row === undefined) {
      const id = Number(add.run(shard, entity, toVersion, expiresMs).lastInsertRowid);
      setHead.run(id, bytes);
      if (tiles !== null) setTiles.run(id, tiles);
      return;
    }
    const { id, tailBytes } = row;
    if (tiles !== null) setTiles.run(id, tiles);
    if (mode === 'append' && tailBytes + bytes.length <= TAIL_BYTES_MAX) {
      appendToTail.run(id, toVersion, bytes, expiresMs);
      return;
    }
    if (mode === 'append') appendToHead.run(id, bytes);
    else setHead.run(id, bytes);
    emptyTail.run(id, toVersion, expiresMs);
  };
}
