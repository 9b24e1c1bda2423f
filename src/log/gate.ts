/** Deliveries go side by side; what changes who holds what goes alone: it waits for those that run, and holds up the next. */
export interface Gate {
  share<T>(work: () => Promise<T>): Promise<T>;
  alone<T>(work: () => Promise<T>): Promise<T>;
}

export function createGate(): Gate {
  const running = new Set<Promise<unknown>>();
  /** Resolves when what goes alone is done; null: nothing does. */
  const gate: { shut: Promise<void> | null } = { shut: null };
  return {
    async share(work) {
      while (gate.shut !== null) await gate.shut;
      const run = work();
      running.add(run);
      try {
        return await run;
      } finally {
        running.delete(run);
      }
    },
    async alone(work) {
      while (gate.shut !== null) await gate.shut;
      const done = Promise.withResolvers<void>();
      gate.shut = done.promise;
      try {
        await Promise.allSettled(running);
        return await work();
      } finally {
        gate.shut = null;
        done.resolve();
      }
    },
  };
}
