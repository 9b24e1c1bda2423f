/**
 * A part of the entities: their events and what labels ask of them, sorted by DuckDB into the order in which one may know of
 * the other, then folded and evaluated one entity after another. Memory holds one state, whatever the part's size.
 *
 * By event time the order is that of `ts`, by arrival that in which events became known, by position that of the shard
 * (fold-orders.ts). In each a label comes after all that it may see, and a state is sealed up to a time at or before every
 * label to come (never beyond), so that `evaluate` is exact for them. That is the horizon that `fold` is given as append
 * time (train-plan.ts).
 */
import type { DuckDBBlobValue, DuckDBValue } from '@duckdb/node-api';
import { assert } from '../core/assert.ts';
import { ByteReader } from '../core/bytes.ts';
import { type EntityState, emptyState } from '../state/entity-state.ts';
import { evaluate } from '../state/evaluate.ts';
import { fold } from '../state/fold.ts';
import { readRecord } from '../state/record-codec.ts';
import { type Duck, parquetTable } from './duck.ts';
import { EVENT, type FoldOrder, KNOWN, ORDER_TABLES, SKIPPED } from './fold-orders.ts';
import type { Results, ResultsFormat } from './results.ts';
import { EVENT_COLUMNS, type Voided } from './sort-records.ts';
import type { Lane, ReplayPlan } from './train-plan.ts';

/** Buckets `from` to `to`, both among them. */
export interface Part {
  readonly from: number;
  readonly to: number;
}

export interface FoldContext {
  readonly duck: Duck;
  readonly plan: ReplayPlan;
  /** Of events; may be empty. */
  readonly files: readonly string[];
  readonly requestsPath: string;
  readonly voided: readonly Voided[];
  readonly orders: readonly FoldOrder[];
  readonly results: ResultsFormat;
  /** Event time before which an entity's history may be missing, ms. */
  completeFromMs(lane: Lane, entity: string): number | null;
  readonly signal: AbortSignal;
}

/** Events of entities that labels ask for. */
export interface PartCounts {
  events: number;
  duplicates: number;
  erased: number;
}

/** Writes what labels ask of the part's entities to files of results (`ResultsFormat.files`). */
export async function foldPart(context: FoldContext, part: Part, base: string): Promise<PartCounts> {
  const { duck, orders } = context;
  const counts: PartCounts = { events: 0, duplicates: 0, erased: 0 };
  try {
    await stageEvents(context, part, counts);
    await markDuplicates(context, counts);
    const results = await context.results.open(duck);
    for (const order of orders) {
      await order.prepare(duck, part.from, part.to);
      await foldInOrder(context, order, results);
      if (order.known === KNOWN.position) await tellSkipped(duck, results);
    }
    await results.write(base);
    return counts;
  } finally {
    for (const table of ['part_requests', 'part_events', 'part_void', 'part_duplicates', ...ORDER_TABLES]) {
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
  const table = await duck.table([
    { name: 'lane', type: 'INTEGER' },
    { name: 'entity', type: 'VARCHAR' },
    { name: 'partition', type: 'INTEGER' },
    { name: 'position', type: 'DOUBLE' },
  ]);
  for (const { lane, entity, partition, offset } of voided) table.push([lane, entity, partition, offset]);
  table.end();
  await duck.run(
    `CREATE TABLE part_void AS SELECT lane, entity, partition, max(position) AS position FROM ${table.name} GROUP BY ALL`,
  );
  await table.drop();
  if (voided.length === 0) return;
  await duck.run(
    `DELETE FROM part_events AS events USING part_void AS erasure WHERE events.lane = erasure.lane
      AND events.entity = erasure.entity AND events.partition = erasure.partition AND events.position < erasure.position`,
  );
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
  plan: ReplayPlan,
  current: Folded | null,
  lane: DuckDBValue | undefined,
  entity: DuckDBValue | undefined,
): Folded {
  if (current !== null && current.lane.index === lane && current.entity === entity) return current;
  const found = plan.lanes[lane as number];
  assert(found !== undefined, 'spilled rows are of lanes of the plan');
  return { lane: found, entity: entity as string, state: null };
}

async function foldInOrder(context: FoldContext, order: FoldOrder, results: Results): Promise<void> {
  const { duck, plan, signal } = context;
  let current: Folded | null = null;
  for await (const rows of duck.stream(order.query)) {
    signal.throwIfAborted();
    for (const [kind, lane, entity, atMs, row, appearance, record, completeMs] of rows) {
      current = foldedOf(plan, current, lane, entity);
      if (kind === EVENT) {
        foldEvent(current, atMs as number, (record as DuckDBBlobValue).bytes);
        continue;
      }
      const request = { row: row as number, appearance: appearance as number, asOfMs: atMs as number };
      const ownMs = order.hasOwnHistory ? { completeMs: completeMs as number | null } : null;
      answer(context, order, current, request, ownMs, results);
    }
  }
}

interface PartRequest {
  readonly row: number;
  readonly appearance: number;
  readonly asOfMs: number;
}

/** `own`: since when its entity's history was known, where the request says so. */
function answer(
  { plan, completeFromMs }: FoldContext,
  { known }: FoldOrder,
  { lane, entity, state }: Folded,
  { row, appearance, asOfMs }: PartRequest,
  own: { readonly completeMs: number | null } | null,
  results: Results,
): void {
  const found = plan.appearances.get(appearance);
  assert(found !== undefined, 'requests are of appearances of the plan');
  const heldMs = completeFromMs(lane, entity);
  const historyMs = own === null ? heldMs : own.completeMs;
  const evaluation = evaluate(found.plan, state, asOfMs, historyMs);
  assert(!evaluation.statuses.includes('OUT_OF_HISTORY'), 'no state is sealed beyond a label to come');
  results.add(known, row, appearance, evaluation, asOfMs);
  if (historyMs !== heldMs) {
    results.add(KNOWN.held, row, appearance, evaluate(found.plan, state, asOfMs, heldMs), asOfMs);
  }
}

async function tellSkipped(duck: Duck, results: Results): Promise<void> {
  for await (const rows of duck.stream(SKIPPED)) {
    for (const [row, appearance, reason] of rows) {
      results.skip(row as number, appearance as number, reason as number);
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
