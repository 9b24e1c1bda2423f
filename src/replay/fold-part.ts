/**
 * A part of the entities: their events and what labels ask of them, sorted by DuckDB into the order in which one may know of
 * the other, then folded and evaluated one entity after another. Memory holds one state, whatever the part's size.
 *
 * By event time the order is that of `ts`, by arrival that in which events became known. Either way a label comes after all
 * that it may see, so a state can be sealed up to the time in the order (never beyond): every label to come is at or after it,
 * and `evaluate` is exact from there on. That is the horizon that `fold` is given as append time (train-plan.ts).
 */
import type { DuckDBBlobValue, DuckDBValue } from '@duckdb/node-api';
import { assert } from '../core/assert.ts';
import { ByteReader } from '../core/bytes.ts';
import { type EntityState, emptyState } from '../state/entity-state.ts';
import { evaluate } from '../state/evaluate.ts';
import { fold } from '../state/fold.ts';
import { readRecord } from '../state/record-codec.ts';
import { type Duck, parquetTable, writeParquet } from './duck.ts';
import { RESULT_COLUMNS } from './requests.ts';
import { EVENT_COLUMNS, type Voided } from './sort-records.ts';
import type { Lane, TrainPlan } from './train-plan.ts';

/** Buckets `from` to `to`, both among them. */
export interface Part {
  readonly from: number;
  readonly to: number;
}

export interface FoldContext {
  readonly duck: Duck;
  readonly plan: TrainPlan;
  /** Of events; may be empty. */
  readonly files: readonly string[];
  readonly requestsPath: string;
  readonly voided: readonly Voided[];
  /** 0: event time, 1: arrival. */
  readonly knowledges: readonly number[];
  /** Event time before which an entity's history may be missing, ms. */
  completeFromMs(lane: Lane, entity: string): number | null;
  readonly signal: AbortSignal;
}

/** Events of entities that labels ask for. */
export interface PartCounts {
  events: number;
  duplicates: number;
  erased: number;
  requests: number;
}

/** Writes what labels ask of the part's entities to `path`. */
export async function foldPart(context: FoldContext, part: Part, path: string): Promise<PartCounts> {
  const { duck, knowledges } = context;
  const counts: PartCounts = { events: 0, duplicates: 0, erased: 0, requests: 0 };
  try {
    await stageEvents(context, part, counts);
    await markDuplicates(context, counts);
    const results = await duck.table(RESULT_COLUMNS);
    for (const known of knowledges) {
      await foldInOrder(context, known, (row, appearance, bytes) =>
        results.push([row, appearance, known, duck.duckdb.blobValue(bytes)]),
      );
    }
    results.end();
    counts.requests = results.rows / knowledges.length;
    await writeParquet(duck, `SELECT * FROM ${results.name}`, path);
    await results.drop();
    return counts;
  } finally {
    for (const table of ['part_requests', 'part_events', 'part_void', 'part_duplicates']) {
      await duck.run(`DROP TABLE IF EXISTS ${table}`);
    }
  }
}

/** The part's requests, and events that one of them may see, as tables. */
async function stageEvents(context: FoldContext, { from, to }: Part, counts: PartCounts): Promise<void> {
  const { duck, files, requestsPath, voided } = context;
  const here = `bucket BETWEEN ${from} AND ${to}`;
  await duck.run(`CREATE TABLE part_requests AS SELECT * FROM ${parquetTable([requestsPath])} WHERE ${here}`);
  await duck.run('CREATE TABLE part_duplicates (lane INTEGER, partition INTEGER, position DOUBLE)');
  const source = files.length === 0 ? NO_EVENTS : parquetTable(files);
  await duck.run(
    `CREATE TABLE part_events AS SELECT events.* EXCLUDE (bucket) FROM ${source} AS events
      SEMI JOIN part_requests USING (lane, entity) WHERE events.${here}`,
  );
  const [staged] = await duck.rows('SELECT count(*) FROM part_events');
  counts.events = Number(staged?.[0]);
  if (voided.length === 0) return;
  const table = await duck.table([
    { name: 'lane', type: 'INTEGER' },
    { name: 'entity', type: 'VARCHAR' },
    { name: 'partition', type: 'INTEGER' },
    { name: 'position', type: 'DOUBLE' },
  ]);
  for (const { lane, entity, partition, offset } of voided) table.push([lane, entity, partition, offset]);
  table.end();
  await duck.run(
    `DELETE FROM part_events AS events USING (SELECT lane, entity, partition, max(position) AS position FROM ${table.name}
      GROUP BY ALL) AS erasure WHERE events.lane = erasure.lane AND events.entity = erasure.entity
      AND events.partition = erasure.partition AND events.position < erasure.position`,
  );
  await table.drop();
  const [left] = await duck.rows('SELECT count(*) FROM part_events');
  counts.erased = counts.events - Number(left?.[0]);
}

const NO_EVENTS = `(SELECT ${EVENT_COLUMNS.map(({ name, type }) => `NULL::${type} AS ${name}`).join(', ')} WHERE false)`;

/** Which events are duplicates the live driver tells from the head as it is when they come: so they are folded as they came. */
async function markDuplicates({ duck, plan, signal }: FoldContext, counts: PartCounts): Promise<void> {
  const lanes = plan.lanes.filter(({ livePlan }) => livePlan.hasEventId).map(({ index }) => index);
  if (lanes.length === 0) return;
  const duplicates = await duck.table([
    { name: 'lane', type: 'INTEGER' },
    { name: 'partition', type: 'INTEGER' },
    { name: 'position', type: 'DOUBLE' },
  ]);
  const query = `SELECT lane, entity, partition, position, appended, record FROM part_events
    WHERE lane IN (${lanes.join(', ')}) ORDER BY lane, entity, arrived, partition, position`;
  let current: Folded | null = null;
  for await (const rows of duck.stream(query)) {
    signal.throwIfAborted();
    for (const [lane, entity, partition, position, appended, record] of rows) {
      current = foldedOf(plan, current, lane, entity);
      const { livePlan } = current.lane;
      const event = readRecord(livePlan, new ByteReader((record as DuckDBBlobValue).bytes));
      const outcome = fold(livePlan, current.state ?? (current.state = emptyState(livePlan)), {
        ...event,
        entityKey: current.entity,
        appendedMs: Number(appended),
      });
      if (outcome === 'duplicate') duplicates.push([lane as number, partition as number, position as number]);
    }
  }
  duplicates.end();
  counts.duplicates = duplicates.rows;
  await duck.run(`INSERT INTO part_duplicates SELECT * FROM ${duplicates.name}`);
  await duplicates.drop();
}

/** Folding of one entity in one lane. */
interface Folded {
  readonly lane: Lane;
  readonly entity: string;
  /** Null: no event yet. */
  state: EntityState | null;
}

function foldedOf(
  plan: TrainPlan,
  current: Folded | null,
  lane: DuckDBValue | undefined,
  entity: DuckDBValue | undefined,
): Folded {
  if (current !== null && current.lane.index === lane && current.entity === entity) return current;
  const found = plan.lanes[lane as number];
  assert(found !== undefined, 'spilled rows are of lanes of the plan');
  return { lane: found, entity: entity as string, state: null };
}

const EVENT = 0;

/** At one time events come first: whether an event is before the label's time `evaluate` sees to. */
function orderQuery(known: number): string {
  const time = known === 0 ? 'ts' : 'known';
  return `SELECT kind, lane, entity, at_ms, "row", appearance, record FROM (
      SELECT ${EVENT} AS kind, events.lane, events.entity, ${time} AS at_ms, NULL AS "row", NULL AS appearance, record
        FROM part_events AS events
        JOIN (SELECT lane, entity, max(at_ms) AS last_ms FROM part_requests GROUP BY ALL) AS wanted
          ON events.lane = wanted.lane AND events.entity = wanted.entity AND ${time} <= wanted.last_ms
        ANTI JOIN part_duplicates AS twice
          ON events.lane = twice.lane AND events.partition = twice.partition AND events.position = twice.position
      UNION ALL
      SELECT 1, lane, entity, at_ms, "row", appearance, NULL FROM part_requests
    ) ORDER BY lane, entity, at_ms, kind`;
}

async function foldInOrder(
  { duck, plan, signal, completeFromMs }: FoldContext,
  known: number,
  push: (row: number, appearance: number, bytes: Uint8Array) => void,
): Promise<void> {
  let current: Folded | null = null;
  for await (const rows of duck.stream(orderQuery(known))) {
    signal.throwIfAborted();
    for (const [kind, lane, entity, atMs, row, appearance, record] of rows) {
      current = foldedOf(plan, current, lane, entity);
      if (kind === EVENT) foldEvent(current, atMs as number, (record as DuckDBBlobValue).bytes);
      else {
        const found = plan.appearances.get(appearance as number);
        assert(found !== undefined, 'requests are of appearances of the plan');
        const history = completeFromMs(current.lane, current.entity);
        const evaluation = evaluate(found.plan, current.state, atMs as number, history);
        assert(!evaluation.statuses.includes('OUT_OF_HISTORY'), 'no state is sealed beyond a label to come');
        push(row as number, found.index, found.codec.encode(evaluation));
      }
    }
  }
}

function foldEvent(current: Folded, orderMs: number, record: Uint8Array): void {
  const { plan } = current.lane;
  const event = readRecord(plan, new ByteReader(record));
  current.state ??= emptyState(plan);
  // Duplicates are gone; in this order others would be found.
  fold(plan, current.state, { ...event, entityKey: current.entity, appendedMs: orderMs, eventId: null });
}
