/**
 * The payments of a load test and what must be served of them, both worked out from the number of the card: whoever
 * checks an answer needs to have kept nothing. Read by k6 and by Node alike, so it imports nothing of either.
 */

export const PAYMENTS_SERVICE = 'card_spend';
const PAYMENTS_MAX = 4;
const BETWEEN_MS = 60_000;
/** Before the load: within the shortest window for longer than any run lasts. */
const FIRST_MS = 3_600_000;

export interface Payment {
  readonly card: string;
  /** Ms since the epoch. */
  readonly at: number;
  readonly amount: number;
}

export interface CardRequest {
  readonly card: string;
  readonly amount: number;
}

export function cardName(number: number): string {
  return `card-${number}`;
}

/** Of the card with this number, oldest first. */
export function paymentsOf(number: number, nowMs: number): readonly Payment[] {
  const firstMs = nowMs - FIRST_MS;
  const amounts = amountsOf(number, 1 + (number % PAYMENTS_MAX));
  return amounts.map((amount, index) => ({ card: cardName(number), at: firstMs + index * BETWEEN_MS, amount }));
}

/** Multiples of a quarter: sums of them are exact in any order. */
export function amountsOf(number: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_none, index) => (((number * 7 + index * 13) % 400) + 1) / 4);
}

export function requestOf(number: number): CardRequest {
  return { card: cardName(number), amount: 12.5 };
}

/** The values of `card_spend`, in the order of its definition, of a card with these payments, oldest first. */
export function valuesOf(amounts: readonly number[], { amount }: CardRequest): readonly number[] {
  const count = amounts.length;
  const sum = amounts.reduce((total, each) => total + each, 0);
  const largest = Math.max(...amounts);
  const twice = (value: number): readonly number[] => [value, value];
  const windows = [count, sum, sum / count, largest].flatMap(twice);
  return [...windows, count, amounts[count - 1] as number, amount / largest];
}

/** The values of the card with this number, before anything is written to it. */
export function loadedValuesOf(number: number): readonly number[] {
  return valuesOf(amountsOf(number, 1 + (number % PAYMENTS_MAX)), requestOf(number));
}
