/** What was opened, to be closed newest first. */
export interface Closers {
  add(name: string, close: () => Promise<unknown>): void;
  /** One that fails does not keep the others open. */
  closeAll(onError: (name: string, error: unknown) => void): Promise<void>;
}

export function createClosers(): Closers {
  const closers: { name: string; close: () => Promise<unknown> }[] = [];
  return {
    add: (name, close) => void closers.push({ name, close }),
    async closeAll(onError) {
      for (const { name, close } of closers.splice(0).toReversed())
        await close().catch((error: unknown) => onError(name, error));
    },
  };
}
