/**
 * What folding costs: one event into one view, with sealing and with the encoding of what a flush writes, against
 * `JSON.parse` of that event. Over the month of departures of the flights example, in log order, flushed every 500 events:
 * through the example's views, which keep two days exact, and through one of plain features with the default history.
 */
import { gunzipSync } from 'node:zlib';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AGGREGATIONS } from '../src/aggregate/table.ts';
import { loadDefinitions } from '../src/definition/load.ts';
import type { ViewDefinition } from '../src/definition/definition.ts';
import type { ViewEvent } from '../src/event/event.ts';
import { compileSourceDecoder } from '../src/event/decode.ts';
import { takeChange } from '../src/state/codec.ts';
import { type EntityState, emptyState } from '../src/state/entity-state.ts';
import { fold } from '../src/state/fold.ts';
import { type ViewPlan, compilePlan } from '../src/state/plan.ts';
import { measure } from './measure.ts';

const EXAMPLE = join(import.meta.dirname, '../examples/flights');
/** Of these records, some 40 bytes each, a flush of 64 KiB holds three times as many. */
const FLUSH_EVENTS = 500;
const APPENDED_MS = 4_000_000_000_000;

const PLAIN_VIEW = `
views:
  - name: plain_departures
    entity: airport
    source: departures
    features:
      - { name: departures, agg: count, windows: [10m, 1h, 24h, 7d] }
      - { name: late, agg: count, where: "dep_delay > 15", windows: [1h, 24h] }
      - { name: delay_mean, agg: mean, of: dep_delay, windows: [1h, 24h, 7d] }
      - { name: delay_max, agg: max, of: dep_delay, windows: [24h] }
      - { name: carrier_last, agg: last, of: carrier, windows: [24h] }
`;

export interface FoldFigures {
  readonly json_parse_ns: number;
  readonly event_bytes: number;
  readonly views: readonly {
    readonly view: string;
    readonly outputs: number;
    readonly entities: number;
    readonly fold_ns: number;
    readonly fold_over_json_parse: number;
    readonly state_bytes_mean: number;
    readonly state_bytes_max: number;
  }[];
}

export function benchFold(rounds: number): FoldFigures {
  const views = departuresViews();
  const source = views[0]?.source;
  if (source === undefined) throw new Error('the example has no departures');
  const lines = gunzipSync(readFileSync(join(EXAMPLE, 'data/departures.jsonl.gz')))
    .toString()
    .trimEnd()
    .split('\n');
  const decoder = compileSourceDecoder(source, views);
  const events: ViewEvent[][] = views.map(() => []);
  for (const [offset, line] of lines.entries()) {
    const outcomes = decoder.decode({
      partition: 0,
      offset,
      timestampMs: APPENDED_MS,
      key: null,
      value: Buffer.from(line),
    });
    for (const [index, outcome] of outcomes.entries()) if (outcome.kind === 'event') events[index]?.push(outcome.event);
  }
  const plans = views.map((view) => compilePlan(view, AGGREGATIONS));
  let sink = 0;
  const inputs = events.map(numbered);
  const contestants = plans.map((plan, index) => ({
    name: plan.view.id,
    run: () => {
      const input = inputs[index] as Numbered;
      sink += foldAll(plan, input).bytes;
      return input.events.length;
    },
  }));
  const parse = {
    name: 'JSON.parse',
    run: () => {
      for (const line of lines) sink += (JSON.parse(line) as { flight: number }).flight;
      return lines.length;
    },
  };
  const timed = measure([parse, ...contestants], rounds);
  if (Number.isNaN(sink)) throw new Error('unreachable: keeps the work from being optimised away');
  const parseNs = timed.get('JSON.parse') ?? Number.NaN;
  return {
    json_parse_ns: parseNs,
    event_bytes: Math.round(lines.reduce((sum, line) => sum + line.length, 0) / lines.length),
    views: plans.map((plan, index) => {
      const foldNs = timed.get(plan.view.id) ?? Number.NaN;
      const { sizes } = foldAll(plan, inputs[index] as Numbered);
      return {
        view: plan.view.id,
        outputs: plan.view.features.length,
        entities: sizes.length,
        fold_ns: foldNs,
        fold_over_json_parse: foldNs / parseNs,
        state_bytes_mean: Math.round(sizes.reduce((sum, size) => sum + size, 0) / sizes.length),
        state_bytes_max: Math.max(...sizes),
      };
    }),
  };
}

function departuresViews(): ViewDefinition[] {
  const files = ['sources.yaml', 'views.yaml'].map((path) => ({
    path,
    text: readFileSync(join(EXAMPLE, 'definitions', path), 'utf8'),
  }));
  const loaded = loadDefinitions([...files, { path: 'plain.yaml', text: PLAIN_VIEW }], AGGREGATIONS);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return [...loaded.definitions.views.values()].filter((view) => view.source.name === 'departures');
}

/** Events of one view with the number of their entity, so that finding a state is an array access. */
interface Numbered {
  readonly events: readonly ViewEvent[];
  readonly entityOf: Uint32Array;
  readonly entities: number;
}

function numbered(events: readonly ViewEvent[]): Numbered {
  const numbers = new Map<string, number>();
  const entityOf = Uint32Array.from(events, ({ entityKey }) => {
    const number = numbers.get(entityKey) ?? numbers.size;
    numbers.set(entityKey, number);
    return number;
  });
  return { events, entityOf, entities: numbers.size };
}

/** Folds everything, taking changes as a driver does; answers the bytes written and the sizes of the stored states. */
function foldAll(plan: ViewPlan, { events, entityOf, entities }: Numbered): { bytes: number; sizes: number[] } {
  const states = Array.from({ length: entities }, () => emptyState(plan));
  const heads = new Array<number>(entities).fill(0);
  const tiles = new Array<number>(entities).fill(0);
  let bytes = 0;
  const flush = (from: number, to: number): void => {
    for (let index = from; index < to; index++) {
      const entity = entityOf[index] as number;
      // Null for an entity that an earlier event of the flush has taken already.
      const change = takeChange(plan, states[entity] as EntityState);
      if (change === null) continue;
      bytes += change.head.bytes.length + (change.tiles?.length ?? 0);
      heads[entity] = (change.head.mode === 'append' ? (heads[entity] as number) : 0) + change.head.bytes.length;
      tiles[entity] = change.tiles?.length ?? (tiles[entity] as number);
    }
  };
  for (let from = 0; from < events.length; from += FLUSH_EVENTS) {
    const to = Math.min(events.length, from + FLUSH_EVENTS);
    for (let index = from; index < to; index++)
      fold(plan, states[entityOf[index] as number] as EntityState, events[index] as ViewEvent);
    flush(from, to);
  }
  return { bytes, sizes: heads.map((head, entity) => head + (tiles[entity] as number)) };
}
