/** The engine as tests drive it: from the text of definitions to folded states, with nothing between that could err. */
import { AGGREGATIONS } from '../../src/aggregate/table.ts';
import type { Definitions, ViewDefinition } from '../../src/definition/definition.ts';
import { loadDefinitions } from '../../src/definition/load.ts';
import { compileSourceDecoder } from '../../src/event/decode.ts';
import type { LogRecord, ViewEvent, ViewOutcome } from '../../src/event/event.ts';
import { decodeState, takeChange } from '../../src/state/codec.ts';
import { emptyState, type EntityState } from '../../src/state/entity-state.ts';
import { evaluate } from '../../src/state/evaluate.ts';
import { fold } from '../../src/state/fold.ts';
import { compilePlan, type ViewPlan } from '../../src/state/plan.ts';
import type { Evaluation, FoldOutcome, StateChange, StoredState } from '../../src/state/state.ts';

export interface Engine {
  readonly view: ViewDefinition;
  readonly plan: ViewPlan;
}

export function load(text: string): Definitions {
  const result = loadDefinitions([{ path: 'generated.yaml', text }], AGGREGATIONS);
  if (!result.ok) throw new Error(`the definitions were refused: ${JSON.stringify(result.problems, null, 2)}\n${text}`);
  return result.definitions;
}

export function enginesOf(text: string): Engine[] {
  const definitions = load(text);
  return [...definitions.views.values()].map((view) => ({ view, plan: compilePlan(view, AGGREGATIONS) }));
}

/** Per engine, what became of each record. */
export function decodeAll(engines: readonly Engine[], records: readonly LogRecord[]): ViewOutcome[][] {
  const views = engines.map((engine) => engine.view);
  const decoder = compileSourceDecoder((views[0] as ViewDefinition).source, views);
  const perRecord = records.map((record) => decoder.decode(record));
  return engines.map((_, index) => perRecord.map((outcomes) => outcomes[index] as ViewOutcome));
}

/** Appends to, or replaces, what a store holds for an entity. */
export function store(stored: StoredState | null, change: StateChange): StoredState {
  const before = change.head.mode === 'append' && stored !== null ? stored.head : new Uint8Array();
  return {
    version: change.toVersion,
    head: Buffer.concat([before, change.head.bytes]),
    tiles: change.tiles ?? stored?.tiles ?? null,
  };
}

export interface Folded {
  readonly state: EntityState;
  readonly outcomes: readonly FoldOutcome[];
}

/**
 * Folds one entity's events. After each, `restart` says what happens to the state: it lives on, is written to the store
 * (a batch ends), or is written and read back (a process dies).
 */
export function foldAll(
  { plan }: Engine,
  events: readonly ViewEvent[],
  restart: (index: number) => 'go on' | 'write' | 'reload' = () => 'go on',
  before: (state: EntityState, event: ViewEvent) => void = () => {},
): Folded {
  let state = emptyState(plan);
  let stored: StoredState | null = null;
  const outcomes: FoldOutcome[] = [];
  for (const [index, event] of events.entries()) {
    before(state, event);
    outcomes.push(fold(plan, state, event));
    const step = restart(index);
    if (step === 'go on') continue;
    const change = takeChange(plan, state);
    if (change !== null) stored = store(stored, change);
    if (step === 'reload' && stored !== null) state = decodeState(plan, stored);
  }
  return { state, outcomes };
}

export function evaluateAt(
  { plan }: Engine,
  state: EntityState | null,
  asOfMs: number,
  completeFromMs: number | null = null,
): Evaluation {
  return evaluate(plan, state, asOfMs, completeFromMs);
}
