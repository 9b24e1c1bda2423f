/** Virtual time: what is to happen when. Between two events everything that was promised is settled. */

export interface Schedule {
  nowMs(): number;
  at(ms: number, happen: () => void): void;
  wait(ms: number): Promise<void>;
  /** Runs all that is due up to `ms`, in order of time, then of asking. */
  runUntil(ms: number): Promise<void>;
}

/** Turns of the real event loop in which chains of promises and immediates come to rest. */
const SETTLING_TURNS = 3;

export function createSchedule(): Schedule {
  let nowMs = 1_000_000;
  let asked = 0;
  const due: { readonly ms: number; readonly order: number; readonly happen: () => void }[] = [];
  const schedule: Schedule = {
    nowMs: () => nowMs,
    at(ms, happen) {
      due.push({ ms: Math.max(ms, nowMs), order: asked++, happen });
    },
    wait: (ms) =>
      new Promise((resolve) => {
        schedule.at(nowMs + ms, resolve);
      }),
    async runUntil(ms) {
      await settle();
      for (;;) {
        due.sort((one, other) => one.ms - other.ms || one.order - other.order);
        const next = due[0];
        if (next === undefined || next.ms > ms) break;
        due.shift();
        nowMs = next.ms;
        next.happen();
        await settle();
      }
      nowMs = ms;
    },
  };
  return schedule;
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < SETTLING_TURNS; turn++) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}
