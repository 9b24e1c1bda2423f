/** States as Redis holds them, read by their keys (docs/redis.md), and what they evaluate to: nothing of `serve` is between. */
import { Redis } from 'ioredis';
import { AGGREGATIONS } from '../../src/aggregate/table.ts';
import { loadDefinitionsFrom } from '../../src/cli/definition-files.ts';
import { decodeState } from '../../src/state/codec.ts';
import type { EntityState } from '../../src/state/entity-state.ts';
import { evaluate } from '../../src/state/evaluate.ts';
import { type ViewPlan, compilePlan } from '../../src/state/plan.ts';
import { percentile } from '../ingest/percentile.ts';
import { stateKeys } from '../ingest/states.ts';

/** Before a head: 8 bytes build, 8 bytes version. Before tiles: 8 bytes build. */
const BUILD_BYTES = 8;
const HEAD_PREFIX_BYTES = 16;

export interface CardState {
  readonly card: string;
  /** Ever folded. */
  readonly events: number;
  readonly tiles: number;
  /** Head and tiles. */
  readonly bytes: number;
  /** When the newest event was, ms. */
  readonly newestMs: number;
  /** Values of the view's features, in their order. */
  valuesAt(asOfMs: number): readonly (number | null)[];
}

export function loadViewPlan(definitionsDir: string, view: string): ViewPlan {
  const loaded = loadDefinitionsFrom(definitionsDir, AGGREGATIONS);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const found = loaded.definitions.views.get(`${view}@1`);
  if (found === undefined) throw new Error(`there is no view ${view}`);
  return compilePlan(found, AGGREGATIONS);
}

/** By card. */
export async function readStates(redisUrl: string, plan: ViewPlan): Promise<ReadonlyMap<string, CardState>> {
  const client = new Redis(redisUrl);
  const states = new Map<string, CardState>();
  const headKey = new RegExp(String.raw`\}h:${plan.view.stateFingerprint}:(.*)$`);
  for await (const keys of stateKeys(client)) {
    const heads = keys.filter((key) => headKey.test(key));
    if (heads.length === 0) continue;
    const found = await client.mgetBuffer(heads.flatMap((key) => [key, key.replace('}h:', '}t:')]));
    for (const [index, key] of heads.entries()) {
      const [card] = JSON.parse(headKey.exec(key)?.[1] ?? '') as [string];
      states.set(card, cardState(plan, card, found[2 * index] ?? null, found[2 * index + 1] ?? null));
    }
  }
  client.disconnect();
  return states;
}

function cardState(plan: ViewPlan, card: string, head: Buffer | null, tiles: Buffer | null): CardState {
  if (head === null) throw new Error(`${card} has no head`);
  const state = decodeState(plan, {
    version: head.readDoubleBE(BUILD_BYTES),
    head: head.subarray(HEAD_PREFIX_BYTES),
    tiles: tiles?.subarray(BUILD_BYTES) ?? null,
  });
  const valuesAt = (asOfMs: number): (number | null)[] =>
    evaluate(plan, state, asOfMs, null).values.map((value) => (typeof value === 'number' ? value : null));
  return {
    card,
    events: valuesAt(Number.MAX_SAFE_INTEGER)[eversPlace(plan)] ?? 0,
    tiles: state.tiles.reduce((sum, level) => sum + level.length, 0),
    bytes: head.length + (tiles?.length ?? 0),
    newestMs: newestOf(state),
    valuesAt,
  };
}

function eversPlace(plan: ViewPlan): number {
  return plan.view.features.findIndex(({ name }) => name === 'payments_ever');
}

function newestOf({ head, sealedNewestMs }: EntityState): number {
  return head.events().at(-1)?.tsMs ?? sealedNewestMs;
}

export interface StateFigures {
  readonly cards: number;
  readonly events_p50: number;
  readonly events_p99: number;
  readonly tiles_p50: number;
  readonly tiles_p99: number;
  readonly bytes_p50: number;
  readonly bytes_p99: number;
}

export function stateFigures(states: readonly CardState[]): StateFigures {
  const of = (share: number, pick: (state: CardState) => number): number => percentile(states.map(pick), share);
  return {
    cards: states.length,
    events_p50: of(0.5, ({ events }) => events),
    events_p99: of(0.99, ({ events }) => events),
    tiles_p50: of(0.5, ({ tiles }) => tiles),
    tiles_p99: of(0.99, ({ tiles }) => tiles),
    bytes_p50: of(0.5, ({ bytes }) => bytes),
    bytes_p99: of(0.99, ({ bytes }) => bytes),
  };
}

/** Those with some 20 events: all of them in the head. */
export function sparseOf(states: ReadonlyMap<string, CardState>): readonly CardState[] {
  return [...states.values()].filter(({ events }) => events >= 18 && events <= 22);
}

/** The hundredth with the most events. */
export function denseOf(states: ReadonlyMap<string, CardState>): readonly CardState[] {
  const byEvents = [...states.values()].toSorted((one, other) => other.events - one.events);
  return byEvents.slice(0, Math.ceil(byEvents.length / 100));
}
