/** Long work that SIGINT and SIGTERM ask to end, once: a second signal ends the process, as it does by default. */
export interface Stop {
  /** Aborted by the first of them. */
  readonly signal: AbortSignal;
  /** To be called when the work has ended. */
  release(): void;
}

/** `reason`: what the work then rejects with, where it has no end of its own. */
export function stopOnSignals(reason?: Error): Stop {
  const stop = new AbortController();
  const abort = (): void => stop.abort(reason);
  process.once('SIGINT', abort).once('SIGTERM', abort);
  return { signal: stop.signal, release: () => void process.off('SIGINT', abort).off('SIGTERM', abort) };
}
