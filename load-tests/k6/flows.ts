/** What callers of a feature server do, one iteration each. Scenarios mix these. */
import exec from 'k6/execution';
import { PAYMENTS_SERVICE, loadedValuesOf, requestOf } from '../payments.ts';
import { COLD_ROWS } from '../workload.ts';
import { get, postVectors, settle } from './ask.ts';
import {
  type ExpectedCard,
  type ExpectedFlight,
  FLIGHTS_SERVICE,
  asOfs,
  cardsEqual,
  flights,
  flightsEqual,
} from './expected.ts';
import { run } from './plan.ts';

const BATCH_ROWS = 100;
/** A prime above the number of cards: in steps of it all cards come before one comes again. */
const STRIDE = 1_000_003;
const HOT_CARDS = 20;
const HOT_SHARE = 0.8;

/** One row of 57 features, with its own `as_of`: what is known of a flight. */
export function flightRow(): void {
  const flight = pick(flights);
  const answer = postVectors('vectors', FLIGHTS_SERVICE, { entities: [flight.entity], as_of: flight.as_of });
  settle({
    'a row is answered': answer.status === 200,
    'a row is exact': flightsEqual(answer, [flight]),
  });
}

/** A hundred rows of 57 features. */
export function flightBatch(): void {
  const asOf = pick(asOfs);
  const known = flights.filter((flight) => flight.as_of === asOf);
  const rows = Array.from({ length: BATCH_ROWS }, () => pick(known));
  const answer = postVectors('vectors_batch', FLIGHTS_SERVICE, { entities: rows.map(entityOf), as_of: asOf });
  settle({
    'a batch is answered': answer.status === 200,
    'a batch is exact': flightsEqual(answer, rows),
  });
}

/** One row as of now, as a model asks that scores an event. */
export function cardRow(): void {
  askForCards('vectors', [number(run.cards)]);
}

/** As `cardRow`, mostly for the same few cards. */
export function hotCardRow(): void {
  askForCards('vectors', [number(Math.random() < HOT_SHARE ? HOT_CARDS : run.cards)]);
}

/** Always the same card. */
export function hottestCardRow(): void {
  askForCards('vectors', [0]);
}

/** Five cards that nobody has asked for: the runner loads as many as that takes. */
export function coldCardRows(): void {
  const first = exec.scenario.iterationInTest * COLD_ROWS;
  // The warm-up has its own, at the other end.
  const isWarmUp = exec.scenario.name.endsWith('warm_up');
  const places = Array.from({ length: COLD_ROWS }, (_none, row) => first + row);
  const numbers = places.map((place) => ((isWarmUp ? run.cards - 1 - place : place) * STRIDE) % run.cards);
  askForCards('vectors', numbers);
}

/** By hand, over GET. */
export function cardByGet(): void {
  const cardNumber = number(run.cards);
  const { card, amount } = requestOf(cardNumber);
  const path = `/v1/feature-services/${PAYMENTS_SERVICE}/vectors?card=${card}&amount=${amount}`;
  const answer = get('vectors_get', path);
  settle({
    'a GET is answered': answer.status === 200,
    'a GET is exact': cardsEqual(answer, [loaded(cardNumber)]),
  });
}

function askForCards(endpoint: string, numbers: readonly number[]): void {
  const expected = numbers.map(loaded);
  const answer = postVectors(endpoint, PAYMENTS_SERVICE, { entities: expected.map(({ request }) => request) });
  settle({
    'cards are answered': answer.status === 200,
    'cards are exact': cardsEqual(answer, expected),
  });
}

function loaded(cardNumber: number): ExpectedCard {
  return { request: requestOf(cardNumber), values: loadedValuesOf(cardNumber) };
}

function entityOf({ entity }: ExpectedFlight): ExpectedFlight['entity'] {
  return entity;
}

function number(below: number): number {
  return Math.floor(Math.random() * below);
}

function pick<T>(from: readonly T[]): T {
  return from[number(from.length)] as T;
}
