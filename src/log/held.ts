/** A partition that a consumer holds: its position, and that nothing is delivered of it twice at once. */

export interface Held {
  readonly partition: number;
  /** Next offset to deliver. */
  position: number;
  /** To be revoked, or already: nothing more is delivered. */
  lost: boolean;
  /** Runs `work` when all before it is done. */
  exclusively<T>(work: () => Promise<T>): Promise<T>;
  /** Resolves when all that was begun is done. */
  settled(): Promise<void>;
  /** Neither paused nor delivering. */
  isQuiet(): boolean;
  pause(): void;
  resume(): void;
  /** How many times in a row a fetch ended at this place instead of the position. */
  noteDetour(fetchedOffset: number): number;
}

export function createHeld(partition: number, position: number): Held {
  let last: Promise<void> = Promise.resolve();
  let running = 0;
  let paused = false;
  let detours = { to: -1, from: -1, count: 0 };
  const held: Held = {
    partition,
    position,
    lost: false,
    async exclusively(work) {
      running++;
      const turn = last.then(work);
      last = turn.then(
        () => undefined,
        () => undefined,
      );
      try {
        return await turn;
      } finally {
        running--;
      }
    },
    settled: () => last,
    isQuiet: () => running === 0 && !paused && !held.lost,
    pause() {
      paused = true;
    },
    resume() {
      paused = false;
    },
    noteDetour(to) {
      const again = detours.to === to && detours.from === held.position;
      detours = { to, from: held.position, count: again ? detours.count + 1 : 1 };
      return detours.count;
    },
  };
  return held;
}
