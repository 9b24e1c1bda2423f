/** Bodies of requests. The same ones each time: draws are seeded. */
import { createRandom } from '../ingest/workload.ts';

export const ROWS = [1, 10, 100] as const;
/** Distinct bodies that a run goes round in. */
const BODIES = 500;

export interface Row {
  readonly card: string;
  readonly amount?: number;
}

export interface Body {
  readonly entities: readonly Row[];
}

/** Each row another card of these. */
export function bodiesOf(cards: readonly string[], rows: number, seed: number): readonly Body[] {
  const random = createRandom(seed);
  return Array.from({ length: BODIES }, () => ({
    entities: drawDistinct(cards, Math.min(rows, cards.length), random).map((card) => ({ card })),
  }));
}

/** `hotShare` of the rows are of `hot`, the others of `cold`. */
export function mixedBodies(
  {
    hot,
    cold,
    hotShare,
  }: { readonly hot: readonly string[]; readonly cold: readonly string[]; readonly hotShare: number },
  { rows, bodies, seed }: { readonly rows: number; readonly bodies: number; readonly seed: number },
): readonly Body[] {
  const random = createRandom(seed);
  return Array.from({ length: bodies }, () => ({
    entities: Array.from({ length: rows }, () => ({ card: drawOne(random() < hotShare ? hot : cold, random) })),
  }));
}

/** The same rows, each with the request input that `spend_compared` and `fraud` want. */
export function withAmounts(bodies: readonly Body[]): readonly Body[] {
  const random = createRandom(1);
  return bodies.map(({ entities }) => ({
    entities: entities.map((row) => ({ ...row, amount: Math.floor(random() * 10_000) / 100 })),
  }));
}

function drawOne(cards: readonly string[], random: () => number): string {
  return cards[Math.floor(random() * cards.length)] as string;
}

function drawDistinct(cards: readonly string[], count: number, random: () => number): readonly string[] {
  const drawn = new Set<string>();
  while (drawn.size < count) drawn.add(drawOne(cards, random));
  return [...drawn];
}
