/** Writes through REST, and reads that must see them. Each iteration writes to a card that nobody else knows. */
import exec from 'k6/execution';
import { PAYMENTS_SERVICE, amountsOf, cardName, requestOf, valuesOf } from '../payments.ts';
import { type Answer, post, postVectors, settle } from './ask.ts';
import { cardsEqual } from './expected.ts';
import { run } from './plan.ts';

/** Of one POST. */
export const EVENTS = 10;
/** A read that takes long breaks the budget of its latency; one that gives up would break its check. */
const READ_BUDGET_MS = 4_000;
/** Events lie so far in the past that the read is after all of them, and the clocks need not agree to the ms. */
const AGE_MS = 1_000;
/** Cards of one flow are this far from those of the next. */
const FLOW_CARDS = 10_000_000;

/** Ten events in one POST, which answers when Kafka has them. */
export function writeEvents(): void {
  const { answer } = write(1);
  settle(accepted(answer));
}

/** As `writeEvents`, and then a read with the answered position as `after`: it must see these events and no others. */
export function writeThenRead(): void {
  const { answer, cardNumber } = write(2);
  const request = { ...requestOf(0), card: cardName(cardNumber) };
  const body = { entities: [request], after: answer.body?.['position'] ?? '', budget_ms: READ_BUDGET_MS };
  const read = postVectors('vectors_after', PAYMENTS_SERVICE, body);
  settle({
    ...accepted(answer),
    'a read after a write is answered': read.status === 200,
    'a read sees what was written': cardsEqual(read, [
      { request, values: valuesOf(amountsOf(cardNumber, EVENTS), request) },
    ]),
  });
}

function write(flow: number): { readonly answer: Answer; readonly cardNumber: number } {
  const isWarmUp = exec.scenario.name.endsWith('warm_up');
  const first = run.cards + (flow * 2 + (isWarmUp ? 1 : 0)) * FLOW_CARDS;
  const cardNumber = first + exec.scenario.iterationInTest;
  const nowMs = Date.now() - AGE_MS;
  const events = amountsOf(cardNumber, EVENTS).map((amount, index) => ({
    card: cardName(cardNumber),
    at: nowMs + index,
    amount,
  }));
  return { answer: post('events', '/v1/sources/payments/events', { events }), cardNumber };
}

function accepted({ status, body }: Answer): Readonly<Record<string, boolean>> {
  return { 'events are accepted': status === 200 && body?.['accepted'] === EVENTS };
}
