/** Definitions and random records that reach every path of the driver, and what a clean single pass makes of them. */
import { AGGREGATIONS } from '../../src/aggregate/table.ts';
import type { Definitions, SourceDefinition, ViewDefinition } from '../../src/definition/definition.ts';
import { loadDefinitions } from '../../src/definition/load.ts';
import { compileSourceDecoder } from '../../src/event/decode.ts';
import type { LogRecord } from '../../src/event/event.ts';
import type { AppendRecord } from '../../src/log/log.ts';
import { decodeState, takeChange } from '../../src/state/codec.ts';
import { emptyState, type EntityState } from '../../src/state/entity-state.ts';
import { fold } from '../../src/state/fold.ts';
import { compilePlan, type ViewPlan } from '../../src/state/plan.ts';
import type { Store } from '../../src/store/store.ts';
import { isControl, type IsVoid, voidedBy } from './erased.ts';
import { laneName, type MemoryStore } from './memory-store.ts';
import type { Random } from './random.ts';
import type { MovedRecord } from './transit.ts';

export const SOURCE = 'taps';
export const STARTED_MS = 1_700_000_000_000;

/** Small heads, so that a few hundred records seal, drop tiles and come late below the seal. */
const DEFINITIONS_TEXT = `
sources:
  - name: taps
    key: [card]
    event_time: at
    event_id: id
    max_disorder: 20s
    clock: watermark
    fields: { at: timestamp, id: "int?", card: "string?", gate: "string?", fare: "double?" }
entities:
  - { name: card, keys: { card: string } }
  - { name: trip, keys: { card: string, gate: string } }
views:
  - name: by_card
    entity: card
    source: taps
    history: 0s
    head_max: 8
    head_limit: 24
    features:
      - { name: fare_sum, agg: sum, of: fare, windows: [1m, 10m] }
      - { name: gates, agg: count_distinct, of: gate, windows: [10m] }
      - { name: newest, agg: last_n, n: 3, of: fare }
  - name: large_by_card
    entity: card
    source: taps
    where: "fare > 5"
    history: 0s
    head_max: 4
    head_limit: 6
    features:
      - { name: n, agg: count, windows: [1m] }
      - { name: spread, agg: stddev, of: fare, windows: [5m] }
`;
const BY_TRIP = `
  - name: by_trip
    entity: trip
    source: taps
    history: 0s
    head_max: 8
    features:
      - { name: top, agg: top_k, k: 2, of: gate, windows: [10m] }
`;
/** One more view of another shard, added by a later deployment. */
const BY_GATE = `
  - name: by_gate
    entity: gate
    keys: { gate: gate }
    source: taps
    features:
      - { name: n, agg: count }
`;

/** The same records as rows of a table. */
const ROWS_TEXT = `
sources:
  - name: taps
    mode: upsert
    key: [card]
    event_time: at
    max_disorder: 20s
    clock: watermark
    fields: { at: timestamp, card: "string?", gate: "string?", fare: "double?" }
entities:
  - { name: card, keys: { card: string } }
views:
  - name: newest
    entity: card
    source: taps
    history: 0s
    head_max: 4
    head_limit: 8
    features:
      - { name: fare, agg: last, of: fare }
      - { name: gate, agg: last, of: gate, where: "fare > 1", windows: [10m] }
  - name: newest_large
    entity: card
    source: taps
    where: "fare > 5"
    history: 0s
    head_max: 2
    head_limit: 3
    features:
      - { name: tap, agg: last, of: { gate: gate, fare: fare }, windows: [1m, 10m] }
`;

export function definitionsFor(views: 'two' | 'three' | 'four' | 'rows'): Definitions {
  if (views === 'rows') return loaded(ROWS_TEXT);
  const entities = DEFINITIONS_TEXT.replace('entities:\n', 'entities:\n  - { name: gate, keys: { gate: string } }\n');
  const text = entities + (views === 'two' ? '' : BY_TRIP) + (views === 'four' ? BY_GATE : '');
  return loaded(text);
}

function loaded(text: string): Definitions {
  const result = loadDefinitions([{ path: 'simulation.yaml', text }], AGGREGATIONS);
  if (!result.ok) throw new Error(JSON.stringify(result.problems, null, 2));
  return result.definitions;
}

export function sourceOf(definitions: Definitions): SourceDefinition {
  return definitions.sources.get(SOURCE) as SourceDefinition;
}

const TEXT_ENCODER = new TextEncoder();
const CARDS = 6;
const GATES = ['north', 'south'];

/**
 * Records as a bad producer sends them: out of order, repeated, malformed, from the future, without keys. `deletions`: share
 * of those without a value.
 */
export function randomRecords(random: Random, count: number, deletions = 0): readonly AppendRecord[] {
  const records: AppendRecord[] = [];
  let nowMs = STARTED_MS;
  for (let index = 0; index < count; index++) {
    nowMs += random.below(3_000);
    const card = random.chance(0.05) ? null : `card-${random.below(CARDS)}`;
    const lateMs = random.chance(0.2) ? random.below(1_200_000) : random.below(5_000);
    const event = {
      at: random.chance(0.03) ? nowMs + 900_000 : nowMs - lateMs,
      id: random.chance(0.3) ? random.below(40) : null,
      card,
      gate: random.pick([...GATES, null]),
      fare: random.chance(0.04) ? 'much' : random.pick([null, 1.1, 2.5, 7, 0.1, 1e-300, 12.25]),
    };
    const isDeletion = deletions > 0 && random.chance(deletions);
    const text = random.chance(0.02) ? '{"at":' : JSON.stringify(event);
    records.push({
      key: card === null ? null : TEXT_ENCODER.encode(card),
      value: isDeletion ? null : TEXT_ENCODER.encode(text),
      timestampMs: isDeletion ? nowMs - lateMs : nowMs,
    });
  }
  return records;
}

/** One sound event of every entity that there can be. */
export function recordsOfAll(): readonly AppendRecord[] {
  const cards = Array.from({ length: CARDS }, (_none, index) => `card-${index}`);
  return cards.flatMap((card) =>
    GATES.map((gate) => ({
      key: TEXT_ENCODER.encode(card),
      value: TEXT_ENCODER.encode(JSON.stringify({ at: STARTED_MS, id: null, card, gate, fare: 7 })),
      timestampMs: STARTED_MS,
    })),
  );
}

/** Lane and entity → the whole state in canonical bytes. */
export type StatesByEntity = ReadonlyMap<string, string>;

/** One pass over the log, nothing but `decode` and `fold`. */
export function cleanPass(
  definitions: Definitions,
  records: readonly LogRecord[],
  moved: ReadonlyMap<ViewDefinition, readonly MovedRecord[]> = new Map(),
): StatesByEntity {
  const states = new Map<string, { readonly plan: ViewPlan; readonly state: EntityState }>();
  const all = [...definitions.views.values()];
  const inPlace = records.map((record) => ({ record, partition: record.partition }));
  const isVoid = voidedBy(records);
  const together = all.filter((view) => !moved.has(view));
  passOver(definitions, together, inPlace, isVoid, states);
  for (const [view, some] of moved) passOver(definitions, [view], some, isVoid, states);
  return sorted([...states].map(([name, { plan, state }]) => [name, canonical(plan, state)]));
}

/** `partition`: of the shard. */
function passOver(
  definitions: Definitions,
  views: readonly ViewDefinition[],
  records: readonly MovedRecord[],
  isVoid: IsVoid,
  states: Map<string, { readonly plan: ViewPlan; readonly state: EntityState }>,
): void {
  const plans = views.map((view) => compilePlan(view, AGGREGATIONS));
  const decoder = compileSourceDecoder(sourceOf(definitions), views);
  for (const { record, partition } of records) {
    if (isControl(record)) continue;
    for (const [index, outcome] of decoder.decode(record).entries()) {
      const plan = plans[index] as ViewPlan;
      if (outcome.kind !== 'event' || isVoid(plan.view, record, outcome.event.entityKey)) continue;
      const name = `${laneOf(plan, partition)} ${outcome.event.entityKey}`;
      const entry = states.get(name) ?? { plan, state: emptyState(plan) };
      states.set(name, entry);
      fold(plan, entry.state, outcome.event);
    }
  }
}

/** The same of what a store holds. */
export function storedStates(definitions: Definitions, store: MemoryStore): StatesByEntity {
  const found: (readonly [string, string])[] = [];
  for (const view of definitions.views.values()) {
    const plan = compilePlan(view, AGGREGATIONS);
    for (const [lane, { states }] of store.lanes) {
      if (!lane.endsWith(`/${view.stateFingerprint}`)) continue;
      for (const [entity, stored] of states)
        found.push([`${lane} ${entity}`, canonical(plan, decodeState(plan, stored))]);
    }
  }
  return sorted(found);
}

function sorted(entries: readonly (readonly [string, string])[]): StatesByEntity {
  return new Map(entries.toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

/** What a store holds of the entities that a clean pass found, read through its port. */
export async function readStates(
  definitions: Definitions,
  store: Store,
  clean: StatesByEntity,
): Promise<StatesByEntity> {
  const found: (readonly [string, string])[] = [];
  for (const view of definitions.views.values()) {
    const plan = compilePlan(view, AGGREGATIONS);
    const lane = `${laneOf(plan, 0)} `;
    const entities = [...clean.keys()].filter((name) => name.startsWith(lane)).map((name) => name.slice(lane.length));
    const shard = { source: view.source.name, entityKey: view.keyColumns.join(','), partition: 0 };
    const [read] = await store.read(shard, [{ fingerprint: view.stateFingerprint, entities }]);
    for (const [index, entity] of entities.entries()) {
      const stored = read?.states[index] ?? null;
      found.push([`${lane}${entity}`, stored === null ? 'missing' : canonical(plan, decodeState(plan, stored))]);
    }
  }
  return sorted(found);
}

function laneOf({ view }: ViewPlan, partition: number): string {
  const shard = { source: view.source.name, entityKey: view.keyColumns.join(','), partition };
  return laneName(shard, view.stateFingerprint);
}

/** How often it was appended to since its last rewrite must not show: everything is written anew. */
function canonical(plan: ViewPlan, state: EntityState): string {
  state.stored.rewrite = true;
  state.stored.version = 0;
  const change = takeChange(plan, state);
  if (change === null) return 'empty';
  const tiles = change.tiles === null ? '' : Buffer.from(change.tiles).toString('hex');
  return `${change.toVersion} ${Buffer.from(change.head.bytes).toString('hex')} ${tiles}`;
}
