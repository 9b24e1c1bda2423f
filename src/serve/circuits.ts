/**
 * A circuit for each node of the store, so that a node that is away costs its readers nothing but the first few their
 * time. What is being read through it:
 *
 *   closed    → open       `failuresMax` reads in a row failed, or had no answer within `readMs`
 *   open      → half_open  a read comes `openMs` later: it is the probe, and goes through; all others fail at once
 *   half_open → closed     the probe was answered
 *   half_open → open       it was not
 *
 * Only what another attempt may mend counts as a failure: a node that answers "no" is there.
 */
import { CircuitState, ConsecutiveBreaker, type CircuitBreakerPolicy, circuitBreaker, handleWhen } from 'cockatiel';
import { LRUCache } from 'lru-cache';
import { SkewlessError, messageOf } from '../core/errors.ts';
import type { ShardId, Store } from '../store/store.ts';

export interface CircuitBounds {
  readonly failuresMax: number;
  /** A read that takes longer is a failed one. */
  readonly readMs: number;
  /** From opening to the probe. */
  readonly openMs: number;
  /** Nodes that are remembered; beyond, the one that was read longest ago is forgotten. */
  readonly nodesMax: number;
}

export const CIRCUIT_BOUNDS: CircuitBounds = { failuresMax: 5, readMs: 1_000, openMs: 1_000, nodesMax: 256 };

export interface CircuitReport {
  readonly node: string;
  readonly state: 'closed' | 'open' | 'half_open';
  /** Times it opened. */
  readonly opened: number;
}

export interface Circuits {
  /** The same store, whose reads go through the circuit of their node; an open one rejects with `store_unavailable`. */
  guard(store: Store): Store;
  /** Whether reads of the shard's node fail at present, so that what is known of the shard comes from memory. */
  isAway(shard: ShardId): boolean;
  report(): readonly CircuitReport[];
}

interface Circuit {
  readonly policy: CircuitBreakerPolicy;
  opened: number;
}

/** `onChange` is told when a node goes away, and when it is back. */
export function createCircuits(
  onChange: (node: string, state: 'open' | 'closed', reason: string) => void = () => undefined,
  bounds: CircuitBounds = CIRCUIT_BOUNDS,
): Circuits {
  const circuits = new LRUCache<string, Circuit>({ max: bounds.nodesMax, dispose: (_, node) => away.delete(node) });
  /** Nodes whose circuits are not closed. */
  const away = new Set<string>();
  let nodeOf: Store['nodeOf'] | null = null;

  function circuitOf(node: string): Circuit {
    let circuit = circuits.get(node);
    if (circuit === undefined) {
      circuit = createCircuit(node, bounds, away, onChange);
      circuits.set(node, circuit);
    }
    return circuit;
  }

  return {
    guard(store) {
      nodeOf = (shard) => store.nodeOf(shard);
      return {
        ...store,
        read(shard, sections) {
          const node = store.nodeOf(shard);
          return through(circuitOf(node), node, bounds, () => store.read(shard, sections));
        },
      };
    },
    isAway(shard) {
      return away.size > 0 && nodeOf !== null && away.has(nodeOf(shard));
    },
    report: () =>
      [...circuits.entries()].map(([node, { policy, opened }]) => ({ node, state: stateName(policy.state), opened })),
  };
}

function createCircuit(
  node: string,
  bounds: CircuitBounds,
  away: Set<string>,
  onChange: (node: string, state: 'open' | 'closed', reason: string) => void,
): Circuit {
  const breaker = new ConsecutiveBreaker(bounds.failuresMax);
  const policy = circuitBreaker(handleWhen(isPassing), { halfOpenAfter: bounds.openMs, breaker });
  const circuit: Circuit = { policy, opened: 0 };
  policy.onBreak((failure) => {
    circuit.opened++;
    // A probe that fails opens it again, which is no news.
    if (!away.has(node)) onChange(node, 'open', 'error' in failure ? messageOf(failure.error) : '');
    away.add(node);
  });
  policy.onReset(() => {
    away.delete(node);
    onChange(node, 'closed', '');
  });
  return circuit;
}

async function through<T>(
  { policy }: Circuit,
  node: string,
  bounds: CircuitBounds,
  read: () => Promise<T>,
): Promise<T> {
  // The policy would let others wait for the probe.
  if (policy.state === CircuitState.HalfOpen) throw openCircuit(node);
  let begun = false;
  try {
    return await policy.execute(() => {
      begun = true;
      return answered(read(), node, bounds.readMs);
    });
  } catch (error) {
    throw begun ? error : openCircuit(node);
  }
}

/** Rejects after `limitMs`, but not where the answer is there and only this process had no time to look at it. */
function answered<T>(read: Promise<T>, node: string, limitMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void =>
      reject(
        new SkewlessError('store_unavailable', `${node} did not answer within ${limitMs} ms`, { retryable: true }),
      );
    // Timers run before sockets are read, and what runs "immediately" after that.
    const timer = setTimeout(() => setImmediate(giveUp), limitMs);
    read.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

function isPassing(error: unknown): boolean {
  return error instanceof SkewlessError && error.retryable;
}

function openCircuit(node: string): SkewlessError {
  return new SkewlessError('store_unavailable', `reads of ${node} fail; it is asked again in a moment`, {
    retryable: true,
  });
}

function stateName(state: CircuitState): CircuitReport['state'] {
  return state === CircuitState.Closed ? 'closed' : state === CircuitState.HalfOpen ? 'half_open' : 'open';
}
