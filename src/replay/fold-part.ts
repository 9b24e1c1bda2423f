/**
 * A part of the entities: their events and what is asked of them, put into the order in which one may know of the other, then
 * folded and evaluated one entity after another. Memory holds one state, and of rows no more than the bound of their sorters.
 *
 * By event time the order is that of `ts`, by arrival that in which events became known, by position that of the shard
 * (fold-orders.ts). In each a request comes after all that it may see, and a state is sealed up to a time at or before every
 * request to come (never beyond), so that `evaluate` is exact for them. That is the horizon that `fold` is given as append
 * time (train-plan.ts).
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { assert } from '../core/assert.ts';
import { type EntityState, emptyState } from '../state/entity-state.ts';
import { evaluateFeatures } from '../state/evaluate.ts';
import { fold } from '../state/fold.ts';
import { readContent } from '../state/record-codec.ts';
import { type Part, visitRows } from './entity-rows.ts';
import { EVENT, type FoldOrder, KNOWN, type PartOrder } from './fold-orders.ts';
import { type PartEntities, createPartEntities } from './part-entities.ts';
import { type EvaluationWriter, type Results, openResults } from './results.ts';
import type { SortedRows } from './row-batch.ts';
import { type RowSorter, createRowSorter } from './row-sorter.ts';
import type { Voided } from './sort-records.ts';
import type { Lane, ReplayPlan } from './train-plan.ts';
import { type RequestRow, emptyEventRow, readEventRow, readRequestRow } from './work-rows.ts';

export interface FoldContext {
  readonly plan: ReplayPlan;
  /** Of events; may be empty. */
  readonly files: readonly string[];
  readonly requestsPath: string;
  readonly voided: readonly Voided[];
  readonly orders: readonly FoldOrder[];
  readonly writeEvaluation: EvaluationWriter;
  /** Of rows that do not fit; it exists. */
  readonly sortingFolder: string;
  /** Of rows in memory, about. */
  readonly sortBytes: number;
  readonly signal: AbortSignal;
}

/** Events of entities that labels ask for. */
export interface PartCounts {
  events: number;
  duplicates: number;
  erased: number;
}

/** Writes what is asked of the part's entities to a file of results. */
export async function foldPart(context: FoldContext, part: Part, path: string): Promise<PartCounts> {
  const { plan, orders, sortingFolder, sortBytes } = context;
  const counts: PartCounts = { events: 0, duplicates: 0, erased: 0 };
  const results = openResults(path, context.writeEvaluation);
  const sorters: RowSorter[] = [];
  const hasEventIds = plan.lanes.some(({ livePlan }) => livePlan.hasEventId);
  function sorter(): RowSorter {
    const made = createRowSorter(sortingFolder, sortBytes / (orders.length + (hasEventIds ? 1 : 0)));
    sorters.push(made);
    return made;
  }
  try {
    const entities = createPartEntities(context.voided);
    const { voidedBelow } = entities;
    const ordered = orders.map((order) => {
      const sorted = sorter();
      return { order, sorter: sorted, rows: order.begin({ sorter: sorted, voidedBelow, skip: results.skip }) };
    });
    const rows = ordered.map((each) => each.rows);
    await takeRequests(context, part, entities, rows);
    await takeEvents(context, part, entities, rows, hasEventIds ? sorter() : null, counts);
    for (const { order, sorter } of ordered) {
      await foldInOrder(context, order, entities, sorter.sorted(), results);
      sorter.close();
    }
    await results.write();
    return counts;
  } finally {
    results.close();
    for (const each of sorters) each.close();
  }
}

async function takeRequests(
  { requestsPath }: FoldContext,
  part: Part,
  entities: PartEntities,
  orders: readonly PartOrder[],
): Promise<void> {
  let id = -1;
  await visitRows([requestsPath], part, {
    entity(lane, entity) {
      id = entities.add(lane, entity);
      return true;
    },
    row(reader, bytes, from, to) {
      const request = readRequestRow(reader);
      for (const order of orders) order.request(id, request, bytes, from, to);
    },
  });
  for (const order of orders) order.endRequests();
}

/** `twice`: of events with ids, some of which may have come before; null: there are none. */
async function takeEvents(
  context: FoldContext,
  part: Part,
  entities: PartEntities,
  orders: readonly PartOrder[],
  twice: RowSorter | null,
  counts: PartCounts,
): Promise<void> {
  const event = emptyEventRow();
  let id: number | undefined;
  let hasEventId = false;
  await visitRows(context.files, part, {
    entity(lane, entity) {
      context.signal.throwIfAborted();
      id = entities.find(lane, entity);
      hasEventId = context.plan.lanes[lane]?.livePlan.hasEventId ?? false;
      return id !== undefined;
    },
    row(reader, bytes, from, to) {
      assert(id !== undefined, 'rows of entities that are wanted');
      readEventRow(reader, event);
      counts.events += 1;
      if (event.offset < entities.voidedBelow(id, event.partition)) counts.erased += 1;
      else if (hasEventId) twice?.push(id, event.arrivedMs, event.partition, event.offset, bytes, from, to);
      else for (const order of orders) order.event(id, event, bytes, from, to);
    },
  });
  if (twice === null) return;
  await takeOnce(context, entities, orders, twice.sorted(), counts);
  twice.close();
}

/** Which events are duplicates the live driver tells from the head as it is when they come: so they are folded as they came. */
async function takeOnce(
  context: FoldContext,
  entities: PartEntities,
  orders: readonly PartOrder[],
  rows: SortedRows,
  counts: PartCounts,
): Promise<void> {
  const event = emptyEventRow();
  let current: Folded | null = null;
  await eachRow(context, rows, () => {
    const { id, reader } = rows;
    const from = reader.position;
    readEventRow(reader, event);
    current = foldedOf(context.plan, entities, current, id);
    const { livePlan } = current.lane;
    const content = readContent(livePlan, reader, event.tsMs, event.partition, event.offset);
    current.state ??= emptyState(livePlan);
    const outcome = fold(livePlan, current.state, { ...content, entityKey: NO_KEY, appendedMs: event.appendedMs });
    if (outcome === 'duplicate') counts.duplicates += 1;
    else for (const order of orders) order.event(id, event, rows.bytes, from, reader.position);
  });
}

/** Nothing that folds looks at it. */
const NO_KEY = '';

/** Rows between turns of other work, such as what ends a run. */
const TURN_ROWS = 16_384;

async function eachRow({ signal }: FoldContext, rows: SortedRows, take: () => void): Promise<void> {
  for (let count = 1; rows.next(); count++) {
    take();
    if (count % TURN_ROWS !== 0) continue;
    await nextTurn();
    signal.throwIfAborted();
  }
}

/** Folding of one entity in one lane. */
interface Folded {
  readonly lane: Lane;
  /** Of the entity, in the part. */
  readonly id: number;
  /** Null: no event yet. */
  state: EntityState | null;
}

function foldedOf({ lanes }: ReplayPlan, entities: PartEntities, current: Folded | null, id: number): Folded {
  if (current !== null && current.id === id) return current;
  assert(current === null || current.id < id, 'rows of an entity come one after the other');
  const lane = lanes[entities.laneOf(id)];
  assert(lane !== undefined, 'rows are of lanes of the plan');
  return { lane, id, state: null };
}

async function foldInOrder(
  context: FoldContext,
  order: FoldOrder,
  entities: PartEntities,
  rows: SortedRows,
  results: Results,
): Promise<void> {
  const foldEvent = eventFolder();
  let current: Folded | null = null;
  let lastMs = -Infinity;
  await eachRow(context, rows, () => {
    const before: Folded | null = current;
    current = foldedOf(context.plan, entities, before, rows.id);
    const { third: horizonMs } = rows;
    assert(!order.isByTime || before !== current || lastMs <= horizonMs, 'rows of an entity come in the order of time');
    lastMs = horizonMs;
    if (rows.second === EVENT) foldEvent(current, rows);
    else answer(context, order, current, readRequestRow(rows.reader), results);
  });
}

function eventFolder(): (current: Folded, rows: SortedRows) => void {
  const event = emptyEventRow();
  return (current, { reader, third: horizonMs }) => {
    const { plan } = current.lane;
    readEventRow(reader, event);
    const { tsMs, partition, offset } = event;
    const { columns, filterBits } = readContent(plan, reader, tsMs, partition, offset);
    current.state ??= emptyState(plan);
    fold(plan, current.state, {
      entityKey: NO_KEY,
      tsMs,
      partition,
      offset,
      appendedMs: horizonMs,
      columns,
      filterBits,
      // Duplicates are gone; in this order others would be found.
      eventId: null,
    });
  };
}

function answer(
  { plan }: FoldContext,
  { known, hasOwnHistory }: FoldOrder,
  { state }: Folded,
  { row, appearance, asOfMs, heldMs, seen }: RequestRow,
  results: Results,
): void {
  const found = plan.appearances.get(appearance);
  assert(found !== undefined, 'requests are of appearances of the plan');
  const historyMs = hasOwnHistory && seen !== null ? seen.completeMs : heldMs;
  results.add(known, row, appearance, evaluateFeatures(found.plan, state, asOfMs, historyMs), asOfMs);
  if (historyMs !== heldMs) {
    results.add(KNOWN.held, row, appearance, evaluateFeatures(found.plan, state, asOfMs, heldMs), asOfMs);
  }
}
