/** Interleaved timing: noise on a shared machine hits all contestants alike, and the median of rounds is kept. */

export interface Contestant {
  readonly name: string;
  /** Does its work once; answers how many operations that was. */
  readonly run: () => number;
}

/** Median nanoseconds an operation, by name. */
export function measure(contestants: readonly Contestant[], rounds: number): Map<string, number> {
  const samples = new Map(contestants.map(({ name }) => [name, [] as number[]]));
  for (let round = -2; round < rounds; round++) {
    for (const { name, run } of contestants) {
      const before = process.hrtime.bigint();
      const operations = run();
      const nanoseconds = Number(process.hrtime.bigint() - before) / operations;
      // The first rounds let the compiler settle.
      if (round >= 0) samples.get(name)?.push(nanoseconds);
    }
  }
  return new Map([...samples].map(([name, taken]) => [name, median(taken)]));
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
