/**
 * A part of the entities: their events and what labels ask of them, sorted by DuckDB into the order in which one may know of
 * the other, then folded and evaluated one entity after another. Memory holds one state, whatever the part's size.
 *
 * By event time the order is that of `ts`, by arrival that in which events became known, by position that of the shard
 * (fold-orders.ts). In each a label comes after all that it may see, and a state is sealed up to a time at or before every
 * label to come (never beyond), so that `evaluate` is exact for them. That is the horizon that `fold` is given as append
 * time (train-plan.ts).
 */
import type { DuckDBBlobValue } from '@duckdb/node-api';
import { assert } from '../core/assert.ts';
import { ByteReader } from '../core/bytes.ts';
import { type EntityState, emptyState } from '../state/entity-state.ts';
import { evaluateFeatures } from '../state/evaluate.ts';
import { fold } from '../state/fold.ts';
import { readContent } from '../state/record-codec.ts';
import { type Chunk, type Duck, parquetTable } from './duck.ts';
import { EVENT, type FoldOrder, KNOWN, ORDER_COLUMNS, ORDER_TABLES, SKIPPED } from './fold-orders.ts';
import { type EvaluationWriter, type Results, openResults } from './results.ts';
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
  readonly writeEvaluation: EvaluationWriter;
  readonly signal: AbortSignal;
}

/** Events of entities that labels ask for. */
export interface PartCounts {
  events: number;
  duplicates: number;
  erased: number;
}

/** Writes what labels ask of the part's entities to a file of results. */
export async function foldPart(context: FoldContext, part: Part, path: string): Promise<PartCounts> {
  const { duck, orders } = context;
  const counts: PartCounts = { events: 0, duplicates: 0, erased: 0 };
  const results = openResults(path, context.writeEvaluation);
  try {
    await stageEvents(context, part, counts);
    await markDuplicates(context, counts);
    for (const order of orders) {
      await order.prepare(duck, part.from, part.to);
      await foldInOrder(context, order, results);
      if (order.known === KNOWN.position) await tellSkipped(duck, results);
    }
    await results.write();
    return counts;
  } finally {
    results.close();
    for (const name of ['part_requests', 'part_events']) await duck.run(`DROP ${kindOf(context)} IF EXISTS ${name}`);
    for (const table of ['part_entities', 'part_void', 'part_duplicates', ...ORDER_TABLES]) {
      await duck.run(`DROP TABLE IF EXISTS ${table}`);
    }
  }
}

/** What is gone through once, and as it is, need not be a table for it. */
function kindOf({ plan, orders, voided }: FoldContext): 'VIEW' | 'TABLE' {
  const isReadOnce = orders.length === 1 && voided.length === 0;
  return isReadOnce && !plan.lanes.some(({ livePlan }) => livePlan.hasEventId) ? 'VIEW' : 'TABLE';
}

/** The part's requests, and events that one of them may see. */
async function stageEvents(context: FoldContext, { from, to }: Part, counts: PartCounts): Promise<void> {
  const { duck, files, requestsPath, voided } = context;
  const here = `bucket BETWEEN ${from} AND ${to}`;
  const requests = `(SELECT * FROM ${parquetTable([requestsPath])} WHERE ${here})`;
  // In no order that would show: rows of one entity are sorted among themselves alone.
  await duck.run(`CREATE TABLE part_entities AS SELECT lane, entity, max(at_ms) AS last_ms,
    (row_number() OVER ())::INTEGER AS id FROM ${requests} GROUP BY lane, entity`);
  await duck.run(`CREATE ${kindOf(context)} part_requests AS SELECT requests.* EXCLUDE (bucket), id
    FROM ${requests} AS requests JOIN part_entities USING (lane, entity)`);
  await duck.run('CREATE TABLE part_duplicates (lane INTEGER, partition INTEGER, position DOUBLE)');
  const source = files.length === 0 ? NO_EVENTS : parquetTable(files);
  await duck.run(
    `CREATE ${kindOf(context)} part_events AS SELECT events.* EXCLUDE (bucket), id FROM ${source} AS events
      JOIN part_entities USING (lane, entity) WHERE events.${here}`,
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
  const query = `SELECT lane, id, partition, position, appended, ts, content FROM part_events
    WHERE lane IN (${lanes.join(', ')}) ORDER BY id, arrived, partition, position`;
  let current: Folded | null = null;
  for await (const rows of duck.stream(query)) {
    signal.throwIfAborted();
    for (const [lane, id, ...cells] of rows) {
      const [partition, position, appendedMs, tsMs] = cells as number[] as [number, number, number, number];
      current = foldedOf(plan, current, lane as number, id as number);
      const { livePlan } = current.lane;
      const { bytes } = cells[4] as DuckDBBlobValue;
      const event = readContent(livePlan, new ByteReader(bytes), tsMs, partition, position);
      current.state ??= emptyState(livePlan);
      const outcome = fold(livePlan, current.state, { ...event, entityKey: NO_KEY, appendedMs });
      if (outcome === 'duplicate') duplicates.push([lane as number, partition, position]);
    }
  }
  duplicates.end();
  counts.duplicates = duplicates.rows;
  await duck.run(`INSERT INTO part_duplicates SELECT * FROM ${duplicates.name}`);
  await duplicates.drop();
}

/** Nothing that folds looks at it. */
const NO_KEY = '';

/** Folding of one entity in one lane. */
interface Folded {
  readonly lane: Lane;
  /** Of the entity, in the part. */
  readonly id: number;
  /** Null: no event yet. */
  state: EntityState | null;
}

function foldedOf(plan: ReplayPlan, current: Folded | null, lane: number, id: number): Folded {
  if (current !== null && current.id === id) return current;
  assert(current === null || current.id < id, 'rows of an entity come one after the other');
  const found = plan.lanes[lane];
  assert(found !== undefined, 'spilled rows are of lanes of the plan');
  return { lane: found, id, state: null };
}

async function foldInOrder(context: FoldContext, order: FoldOrder, results: Results): Promise<void> {
  const { duck, plan, signal } = context;
  const isByTime = order.known !== KNOWN.position;
  let current: Folded | null = null;
  let lastMs = -Infinity;
  for await (const chunk of duck.chunks(order.query)) {
    signal.throwIfAborted();
    const rows = columnsOf(chunk);
    for (let row = 0; row < chunk.rows; row++) {
      const before: Folded | null = current;
      current = foldedOf(plan, before, rows.lane[row] as number, rows.id[row] as number);
      const atMs = rows.atMs[row] as number;
      assert(!isByTime || before !== current || lastMs <= atMs, 'rows of an entity come in the order of time');
      lastMs = atMs;
      if (rows.appearance[row] === EVENT) foldEvent(current, rows, row);
      else answer(context, order, current, requestAt(rows, row), results);
    }
  }
}

function columnsOf({ doubles, integers, contents, reader }: Chunk) {
  return {
    lane: integers(ORDER_COLUMNS.lane),
    id: integers(ORDER_COLUMNS.id),
    atMs: doubles(ORDER_COLUMNS.atMs),
    number: doubles(ORDER_COLUMNS.number),
    appearance: integers(ORDER_COLUMNS.appearance),
    tsMs: doubles(ORDER_COLUMNS.tsMs),
    partition: integers(ORDER_COLUMNS.partition),
    content: contents(ORDER_COLUMNS.content),
    heldMs: reader(ORDER_COLUMNS.heldMs),
    completeMs: reader(ORDER_COLUMNS.completeMs),
  };
}

type OrderRows = ReturnType<typeof columnsOf>;

interface PartRequest {
  readonly row: number;
  readonly appearance: number;
  readonly asOfMs: number;
  /** Since when history is known: as the log holds it, and as the request says. */
  readonly heldMs: number | null;
  readonly ownMs: number | null;
}

function requestAt(rows: OrderRows, row: number): PartRequest {
  return {
    row: rows.number[row] as number,
    appearance: rows.appearance[row] as number,
    asOfMs: rows.atMs[row] as number,
    heldMs: rows.heldMs(row) as number | null,
    ownMs: rows.completeMs(row) as number | null,
  };
}

function answer(
  { plan }: FoldContext,
  { known, hasOwnHistory }: FoldOrder,
  { state }: Folded,
  { row, appearance, asOfMs, heldMs, ownMs }: PartRequest,
  results: Results,
): void {
  const found = plan.appearances.get(appearance);
  assert(found !== undefined, 'requests are of appearances of the plan');
  const historyMs = hasOwnHistory ? ownMs : heldMs;
  results.add(known, row, appearance, evaluateFeatures(found.plan, state, asOfMs, historyMs), asOfMs);
  if (historyMs !== heldMs) {
    results.add(KNOWN.held, row, appearance, evaluateFeatures(found.plan, state, asOfMs, heldMs), asOfMs);
  }
}

async function tellSkipped(duck: Duck, results: Results): Promise<void> {
  for await (const rows of duck.stream(SKIPPED)) {
    for (const [row, appearance, reason] of rows) {
      results.skip(row as number, appearance as number, reason as number);
    }
  }
}

function foldEvent(current: Folded, rows: OrderRows, row: number): void {
  const { plan } = current.lane;
  const tsMs = rows.tsMs[row] as number;
  const partition = rows.partition[row] as number;
  const position = rows.number[row] as number;
  const { columns, filterBits } = readContent(plan, rows.content(row), tsMs, partition, position);
  current.state ??= emptyState(plan);
  fold(plan, current.state, {
    entityKey: NO_KEY,
    tsMs,
    partition,
    offset: position,
    appendedMs: rows.atMs[row] as number,
    columns,
    filterBits,
    // Duplicates are gone; in this order others would be found.
    eventId: null,
  });
}
