/**
 * What was read, as fragments of one row: shard facts, states, `evaluate`. A fragment hangs on its state, and is made anew
 * only where it does not hold: a hot row is look-ups. A state that cannot be decoded is an `ERROR` of its view's
 * values, logged, and nothing else.
 */
import type { StateEntry } from '../../../cache/state-entry.ts';
import { assert } from '../../../core/assert.ts';
import { CorruptBytesError } from '../../../core/bytes.ts';
import type { Status } from '../../../core/status.ts';
import type { EntityState } from '../../../state/entity-state.ts';
import { evaluate } from '../../../state/evaluate.ts';
import { mayBeForgotten } from '../../../state/expiry.ts';
import type { ViewPlan } from '../../../state/plan.ts';
import type { Evaluation } from '../../../state/state.ts';
import {
  type Fragment,
  type Metadata,
  NO_METADATA,
  type ReadyFragment,
  type ViewFacts,
  holds,
  isReady,
  metadataOf,
  renderFragment,
  withheldFragment,
} from '../../../vector/fragment.ts';
import type { RowPlan, ViewPart } from '../../../vector/row-plan.ts';
import { shardFacts } from '../../../vector/shard-facts.ts';
import type { Serving } from '../../dependencies.ts';
import type { EntityRef, KeptReads, ShardOutcome } from '../../shard-reads.ts';
import { fragmentAt, keepFragment, takeAhead } from './kept-fragments.ts';
import type { AppearanceRead } from './row-reads.ts';

/** Looks at one row after the other. */
export interface RowEvaluator {
  /**
   * Goes to the row whose reads begin at `from`. Answers the least `as_of` at which all of its states are exact; −Infinity
   * when any `as_of` is.
   */
  look(from: number): number;
  /**
   * What is kept of the only part of the row whose reads begin at `from`, if it is all of the row and holds at `asOfMs`: at that
   * time its state is exact. Null: the row must be looked at.
   */
  ready(from: number, asOfMs: number): ReadyFragment | null;
  /** Of the row looked at, aligned with the parts; the same array, filled anew for each row. */
  fragments(asOfMs: number, metadata: Metadata): readonly Fragment[];
  /** Why nothing of a part of the row looked at is evaluated at `asOfMs`; null: it is. */
  withheld(part: number, asOfMs: number): Status | null;
  /** How many states were evaluated so far: what takes time. */
  evaluated(): number;
  /** The decoded state of a part of the row looked at, for explain; null: no state, or none that can be looked at. */
  stateOf(part: number): EntityState | null;
}

export interface EvaluatorInput {
  readonly serving: Serving;
  readonly rowPlan: RowPlan;
  readonly sources: RowSources;
  readonly nowMs: number;
}

/** What was read for the rows. */
export interface RowSources {
  readonly reads: readonly AppearanceRead[];
  readonly outcomes: ReadonlyMap<string, ShardOutcome>;
  /** Aligned with the reads, where all of them are kept; else they are looked up in the outcomes. */
  readonly entries: KeptReads['entries'] | null;
  /** Shards that had not applied what `after` asks for. */
  readonly notApplied: ReadonlySet<string>;
}

interface Withheld {
  readonly kind: 'withheld';
  readonly status: Status;
}

/** One view's part of a shard, as it was read. */
type Section =
  | {
      readonly kind: 'read';
      readonly facts: ViewFacts;
      /** Whether the shard forgets states that nothing was written to for long. */
      readonly forgets: boolean;
      readonly states: ReadonlyMap<string, StateEntry>;
      /** Where entities are that are not in `states`. */
      readonly lacks: Withheld;
    }
  | Withheld;

const UNAVAILABLE: Withheld = { kind: 'withheld', status: 'UNAVAILABLE' };
const TIMED_OUT: Withheld = { kind: 'withheld', status: 'TIMED_OUT' };
const REBUILDING: Withheld = { kind: 'withheld', status: 'REBUILDING' };
const FAILED: Withheld = { kind: 'withheld', status: 'ERROR' };

/** What a row's part comes from. */
interface Found {
  section: Section;
  entry: StateEntry | null;
}

/** One part, for all rows of a request. */
interface PartReader {
  readonly part: ViewPart;
  readonly plan: ViewPlan;
  /** By partition: of one view, that is by shard. */
  readonly sections: Section[];
  nobody: StateEntry | null;
}

export function createRowEvaluator(input: EvaluatorInput): RowEvaluator {
  const { serving, rowPlan, nowMs } = input;
  const readers = rowPlan.parts.map((part): PartReader => {
    return { part, plan: serving.viewPlans.get(part.view) as ViewPlan, sections: [], nobody: null };
  });
  const found = readers.map((): Found => ({ section: UNAVAILABLE, entry: null }));
  const fragments: Fragment[] = [];
  let evaluated = 0;
  return {
    look(from) {
      let sealedUntilMs = -Infinity;
      for (let part = 0; part < readers.length; part++) {
        const at = found[part] as Found;
        find(input, readers[part] as PartReader, from + part, at);
        const state = at.entry?.kind === 'state' ? at.entry.state : null;
        if (state !== null && state.sealedUntilMs > sealedUntilMs) sealedUntilMs = state.sealedUntilMs;
      }
      return sealedUntilMs;
    },
    ready(from, asOfMs) {
      const [reader, at] = [readers[0] as PartReader, found[0] as Found];
      find(input, reader, from, at);
      const fragment = keptFragment(reader, at, NO_METADATA, asOfMs);
      return fragment !== null && isReady(fragment) ? fragment : null;
    },
    fragments(asOfMs, metadata) {
      for (let part = 0; part < readers.length; part++) {
        const [reader, at] = [readers[part] as PartReader, found[part] as Found];
        let fragment = keptFragment(reader, at, metadata, asOfMs);
        if (fragment === null) {
          fragment = makeFragment(input, reader, at, metadata, asOfMs);
          evaluated++;
        }
        fragments[part] = fragment;
      }
      return fragments;
    },
    withheld(part, asOfMs) {
      const [{ plan: viewPlan }, at] = [readers[part] as PartReader, found[part] as Found];
      const state = at.entry?.kind === 'state' ? at.entry.state : null;
      if (state !== null && asOfMs < state.sealedUntilMs) return 'OUT_OF_HISTORY';
      return withheldFor(viewPlan, at, asOfMs, nowMs);
    },
    evaluated: () => evaluated,
    stateOf(part) {
      const entry = found[part]?.entry ?? null;
      return entry?.kind === 'state' ? entry.state : null;
    },
  };
}

/** Of an entity whose key no event can have. */
const NOWHERE: Section = {
  kind: 'read',
  facts: { stale: false, completeFromMs: null },
  forgets: false,
  states: new Map(),
  lacks: UNAVAILABLE,
};

const nothing = (): void => undefined;

function nobody(): StateEntry {
  return {
    kind: 'state',
    state: null,
    fragments: new Map(),
    lastMaker: null,
    lastFragment: null,
    ahead: null,
    grow: nothing,
    sit: nothing,
  };
}

/** Fills in `found` for the read at a place. */
function find(input: EvaluatorInput, reader: PartReader, at: number, found: Found): void {
  const read = input.sources.reads[at] as AppearanceRead;
  found.entry = null;
  if (read === 'error') {
    found.section = FAILED;
    return;
  }
  if (read === 'no_such_entity') {
    found.section = NOWHERE;
    found.entry = reader.nobody ??= nobody();
    return;
  }
  const { partition } = read.id;
  const section = (reader.sections[partition] ??= readSection(input, reader.plan, read));
  found.section = section;
  if (section.kind !== 'read') return;
  const kept = input.sources.entries?.[at];
  if (kept) {
    found.entry = kept;
    return;
  }
  const entry = section.states.get(read.entity);
  if (entry === undefined) {
    found.section = section.lacks;
    return;
  }
  if (entry.kind === 'corrupt') input.serving.corruptStates.report(read.shard, reader.plan.view.id, entry.reason);
  else entry.sit(read);
  found.entry = entry;
}

function readSection(
  { serving, sources: { outcomes, notApplied }, nowMs }: EvaluatorInput,
  plan: ViewPlan,
  ref: EntityRef,
): Section {
  if (notApplied.has(ref.shard)) return TIMED_OUT;
  const outcome = outcomes.get(ref.shard);
  if (outcome === undefined || outcome.kind === 'unavailable') return UNAVAILABLE;
  if (outcome.kind === 'timed_out') return TIMED_OUT;
  const { checkpoint = null, states = new Map<string, never>() } = outcome.sections.get(ref.fingerprint) ?? {};
  const facts = shardFacts(checkpoint, plan.view.source.staleAfterMs, nowMs);
  if (facts.kind === 'rebuilding') return REBUILDING;
  const built = checkpoint?.partitions ?? 1;
  if (!serving.partitions.agrees(plan.view.source.name, built)) return REBUILDING;
  const lacks = outcome.lacks?.kind === 'timed_out' ? TIMED_OUT : UNAVAILABLE;
  return { kind: 'read', facts, forgets: true, states, lacks };
}

/** The one that hangs on the state, if it holds. */
function keptFragment(
  { part }: PartReader,
  { section, entry }: Found,
  metadata: Metadata,
  asOfMs: number,
): Fragment | null {
  // The absence of a state is told by the clock, too.
  if (section.kind !== 'read' || entry?.kind !== 'state' || entry.state === null) return null;
  const kept = fragmentAt(entry, part);
  return kept !== undefined && holds(kept, asOfMs, section.facts, metadata) ? kept : null;
}

/** Why nothing is evaluated; null: something is, be it no state. */
function withheldFor(plan: ViewPlan, { section, entry }: Found, asOfMs: number, nowMs: number): Status | null {
  if (section.kind === 'withheld') return section.status;
  if (entry?.kind !== 'state') return 'ERROR';
  const isForgotten = entry.state === null && section.forgets && mayBeForgotten(plan, asOfMs, nowMs);
  return isForgotten ? 'OUT_OF_HISTORY' : null;
}

function makeFragment(
  input: EvaluatorInput,
  reader: PartReader,
  found: Found,
  metadata: Metadata,
  asOfMs: number,
): Fragment {
  const { section, entry } = found;
  const { part, plan } = reader;
  const status = withheldFor(plan, found, asOfMs, input.nowMs);
  if (status !== null) return withheldFragment(part, status);
  assert(section.kind === 'read' && entry?.kind === 'state', 'what is not withheld was read');
  const kept = fragmentAt(entry, part);
  if (kept !== undefined && holds(kept, asOfMs, section.facts, metadata)) return kept;
  const wanted = kept === undefined ? metadata : joined(kept, metadata);
  const ahead = takeAhead(entry, part, asOfMs);
  if (ahead !== undefined && holds(ahead, asOfMs, section.facts, wanted)) {
    keepFragment(entry, part, kept, ahead);
    return ahead;
  }
  const evaluation = evaluateSound(plan, entry.state, asOfMs, section.facts.completeFromMs);
  if (evaluation instanceof CorruptBytesError) {
    input.serving.corruptStates.report(plan.view.source.name, plan.view.id, evaluation.message);
    found.entry = { kind: 'corrupt', reason: evaluation.message };
    return withheldFragment(part, 'ERROR');
  }
  const fragment = renderFragment(part, evaluation, section.facts, wanted);
  keepFragment(entry, part, kept, fragment);
  return fragment;
}

/** What tiles hold is read when they are evaluated. */
function evaluateSound(...args: Parameters<typeof evaluate>): Evaluation | CorruptBytesError {
  try {
    return evaluate(...args);
  } catch (error) {
    if (error instanceof CorruptBytesError) return error;
    throw error;
  }
}

/** What was asked for once is asked for again. */
function joined(kept: Fragment, { status, eventTime }: Metadata): Metadata {
  const before = metadataOf(kept);
  return { status: status || before.status, eventTime: eventTime || before.eventTime };
}
