/**
 * The orders in which a part's events and requests can be gone through: each says which events a request may see, by having
 * them come before it, and up to where a state may be sealed meanwhile. Entities go by the number that they have in the part.
 */
import { type Duck, parquetTable } from './duck.ts';

export interface FoldOrder {
  /** What its results are called, in their column `known`. */
  readonly known: number;
  /** Its columns are those of `ORDER_COLUMNS`. */
  readonly query: string;
  /** Whether a request says itself since when its entity's history is known (`complete_ms`). */
  readonly hasOwnHistory: boolean;
  /** Makes the tables that the query reads besides the part's; they are dropped with it. */
  prepare(duck: Duck, from: number, to: number): Promise<void>;
}

/** What results are of. */
export const KNOWN = {
  eventTime: 0,
  arrival: 1,
  /** By the position of a receipt, and since when history was known then. */
  position: 2,
  /** The same, with history as the log holds it now; only where that is another. */
  held: 3,
  /** Nothing, for the entity was erased since. */
  erased: 4,
  /** Nothing, for positions of one shard contradict each other. */
  crossed: 5,
} as const;

/** What an event has in place of the appearance that a request is for, so that at one time events come first. */
export const EVENT = -1;

/** `at_ms`: the horizon of an event, the `as_of` of a request. `number`: the position of one, the row of the other. */
export const ORDER_COLUMNS = {
  lane: 0,
  id: 1,
  atMs: 2,
  number: 3,
  appearance: 4,
  tsMs: 5,
  partition: 6,
  content: 7,
  heldMs: 8,
  completeMs: 9,
} as const;

/** What is left of the part's events once duplicates are gone. */
const COUNTED = `(SELECT * FROM part_events AS events ANTI JOIN part_duplicates AS twice
  ON events.lane = twice.lane AND events.partition = twice.partition AND events.position = twice.position)`;

const nothing = (): Promise<void> => Promise.resolve();

export const BY_EVENT_TIME: FoldOrder = {
  known: KNOWN.eventTime,
  query: orderOfTime('ts'),
  hasOwnHistory: false,
  prepare: nothing,
};

export const BY_ARRIVAL: FoldOrder = {
  known: KNOWN.arrival,
  query: orderOfTime('known'),
  hasOwnHistory: false,
  prepare: nothing,
};

/** Whether an event is before the label's time `evaluate` sees to. What need not be sorted is put beside it afterwards. */
function orderOfTime(time: 'ts' | 'known'): string {
  const [ts, sorted] = time === 'ts' ? ['at_ms AS ts', ''] : ['ts', 'ts, '];
  return `SELECT lane, id, at_ms, number, appearance, ${ts}, partition, content, held_ms, NULL::DOUBLE AS complete_ms FROM (
      SELECT events.lane, id, ${time} AS at_ms, position AS number, ${EVENT} AS appearance, ${sorted}partition, content,
        NULL::DOUBLE AS held_ms
        FROM ${COUNTED} AS events JOIN part_entities USING (id) WHERE ${time} <= last_ms
      UNION ALL
      SELECT lane, id, at_ms, "row", appearance, ${sorted === '' ? '' : 'NULL, '}NULL, NULL, held_ms FROM part_requests
      ORDER BY id, at_ms, appearance)`;
}

/** Of each request: up to which offset of which partition it sees events. */
export const POSITION_COLUMNS = [
  { name: 'bucket', type: 'UTINYINT' },
  { name: 'lane', type: 'INTEGER' },
  { name: 'entity', type: 'VARCHAR' },
  { name: 'row', type: 'DOUBLE' },
  { name: 'appearance', type: 'INTEGER' },
  { name: 'partition', type: 'INTEGER' },
  { name: 'next', type: 'DOUBLE' },
  { name: 'complete_ms', type: 'DOUBLE' },
] as const;

/**
 * Requests of an entity in the order of their shard's positions, which only ever grow, so that the sum of one tells its
 * rank; each event at the first rank that sees it. A state is sealed up to the least `as_of` to come.
 */
export function byPosition(positionsPath: string): FoldOrder {
  return {
    known: KNOWN.position,
    hasOwnHistory: true,
    query: `SELECT lane, id, at_ms, number, appearance, ts, partition, content, held_ms, complete_ms FROM (
        SELECT lane, id, rank, horizon AS at_ms, position AS number, ${EVENT} AS appearance, ts, partition, content,
            NULL::DOUBLE AS held_ms, NULL::DOUBLE AS complete_ms
          FROM (SELECT events.*, steps.rank FROM ${COUNTED} AS events ASOF JOIN part_steps AS steps
            ON events.lane = steps.lane AND events.entity = steps.entity AND events.partition = steps.partition
              AND events.position < steps.next) AS events
          JOIN part_horizons AS horizons USING (lane, entity, rank)
        UNION ALL
        SELECT lane, id, rank, at_ms, "row", appearance, NULL, NULL, NULL, held_ms, complete_ms
          FROM part_ranks WHERE skipped IS NULL
      ) ORDER BY id, rank, appearance, partition, number`,
    async prepare(duck, from, to) {
      await duck.run(`CREATE TABLE part_positions AS SELECT * EXCLUDE (bucket) FROM ${parquetTable([positionsPath])}
        WHERE bucket BETWEEN ${from} AND ${to}`);
      await duck.run(`CREATE TABLE part_ranks AS
        SELECT lane, id, entity, "row", appearance, at_ms, held_ms, complete_ms, NULL::INTEGER AS skipped,
            dense_rank() OVER (PARTITION BY lane, entity ORDER BY total) AS rank
          FROM part_requests JOIN (SELECT "row", appearance, sum(next) AS total, any_value(complete_ms) AS complete_ms
            FROM part_positions GROUP BY ALL) AS totals USING ("row", appearance)`);
      await skip(duck, KNOWN.crossed, CROSSED);
      await skip(duck, KNOWN.erased, ERASED);
      await duck.run(`CREATE TABLE part_steps AS
        SELECT lane, entity, partition, next, min(rank) AS rank
          FROM part_positions JOIN part_ranks USING (lane, entity, "row", appearance) WHERE skipped IS NULL GROUP BY ALL`);
      await duck.run(`CREATE TABLE part_horizons AS SELECT DISTINCT lane, entity, rank, min(at_ms) OVER
        (PARTITION BY lane, entity ORDER BY rank DESC RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS horizon
        FROM part_ranks WHERE skipped IS NULL`);
    },
  };
}

/** All requests of an entity, one of which saw less of a partition than one before it. */
const CROSSED = `SELECT ranks."row", ranks.appearance FROM part_ranks AS ranks SEMI JOIN (
    SELECT lane, entity FROM (SELECT lane, entity, next, max(next) OVER
      (PARTITION BY lane, entity, partition ORDER BY rank, next DESC ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS seen
      FROM part_positions JOIN part_ranks USING (lane, entity, "row", appearance)) WHERE next < seen
  ) AS crossed ON ranks.lane = crossed.lane AND ranks.entity = crossed.entity`;

/** Requests that saw events which an erasure has made void since. */
const ERASED = `SELECT positions."row", positions.appearance FROM part_positions AS positions SEMI JOIN part_void AS erasure
    ON positions.lane = erasure.lane AND positions.entity = erasure.entity AND positions.partition = erasure.partition
      AND positions.next <= erasure.position`;

async function skip(duck: Duck, reason: number, requests: string): Promise<void> {
  await duck.run(`UPDATE part_ranks SET skipped = ${reason} FROM (SELECT DISTINCT * FROM (${requests})) AS found
    WHERE part_ranks."row" = found."row" AND part_ranks.appearance = found.appearance`);
}

/** Requests that are not evaluated, by reason. */
export const SKIPPED = 'SELECT "row", appearance, skipped FROM part_ranks WHERE skipped IS NOT NULL';

export const ORDER_TABLES: readonly string[] = ['part_positions', 'part_ranks', 'part_steps', 'part_horizons'];
