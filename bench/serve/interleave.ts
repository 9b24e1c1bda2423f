/** Contestants in turn, round after round, so that what else the machine does hits them alike. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Contestant, type LoadFigures, load } from './generator.ts';

const MINUTE_MS = 60_000;
const WARM_UP_SECONDS = 1;

export interface Run extends LoadFigures {
  /** A minute began while it ran: windows of an hour moved on. */
  readonly crossed_minute: boolean;
}

export interface Turns<Name extends string> {
  readonly rounds: number;
  readonly seconds: number;
  /** Who runs first in a round, over the beginning of a minute. */
  readonly overMinute?: (round: number) => Name;
  readonly say: (text: string) => void;
}

/** After a short run of each that does not count: compilers settle, caches fill. */
export async function interleave<Name extends string>(
  contestants: ReadonlyMap<Name, Contestant>,
  { rounds, seconds, overMinute, say }: Turns<Name>,
): Promise<ReadonlyMap<Name, readonly Run[]>> {
  const runs = new Map([...contestants.keys()].map((name) => [name, [] as Run[]]));
  for (const contestant of contestants.values()) await load(contestant, Math.min(seconds, WARM_UP_SECONDS));
  for (let round = 0; round < rounds; round++) {
    const first = overMinute?.(round);
    const rest = [...contestants.keys()].filter((name) => name !== first);
    if (first !== undefined) await untilMinuteWithin(seconds);
    for (const name of first === undefined ? rest : [first, ...rest]) {
      const run = await timedLoad(contestants.get(name) as Contestant, seconds);
      say(`  ${round + 1}/${rounds} ${name}: ${Math.round(run.requests_per_second)} requests/s`);
      runs.get(name)?.push(run);
    }
  }
  return runs;
}

export async function timedLoad(contestant: Contestant, seconds: number): Promise<Run> {
  const begin = Date.now();
  const figures = await load(contestant, seconds);
  return { ...figures, crossed_minute: Math.floor(begin / MINUTE_MS) !== Math.floor(Date.now() / MINUTE_MS) };
}

/** Resolves such that a minute begins in the middle of a run that begins now. */
export async function untilMinuteWithin(seconds: number): Promise<void> {
  if (seconds * 1_000 >= MINUTE_MS) return;
  const beginsMs = MINUTE_MS - seconds * 500;
  await delay((beginsMs - (Date.now() % MINUTE_MS) + MINUTE_MS) % MINUTE_MS);
}
