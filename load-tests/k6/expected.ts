/** Served values against those that were known before. */
import { PAYMENTS_SERVICE, type CardRequest } from '../payments.ts';
import type { Answer } from './ask.ts';

interface ExpectedFile {
  readonly estimates: readonly string[];
  readonly features: readonly string[];
  readonly vectors: readonly ExpectedFlight[];
}

export interface ExpectedFlight {
  readonly as_of: string;
  readonly entity: Readonly<Record<string, string | number>>;
  readonly values: readonly unknown[];
}

const file = JSON.parse(open(import.meta.resolve('../expected/flights.json'))) as ExpectedFile;
const estimatePlaces = new Set(file.estimates.map((name) => file.features.indexOf(name)));
const featuresText = JSON.stringify(file.features);
/** Of the value of its rank. */
const ESTIMATE_ERROR_MAX = 0.01;

export const FLIGHTS_SERVICE = 'departure_delay';
export const flights: readonly ExpectedFlight[] = file.vectors;
/** Moments that all flights of a batch are asked about. */
export const asOfs: readonly string[] = [...new Set(flights.map((flight) => flight.as_of))];

/** Whether each vector is, value by value and to the last bit, that of the flight in its place. */
export function flightsEqual({ body }: Answer, expected: readonly ExpectedFlight[]): boolean {
  const vectors = vectorsOf(body);
  if (vectors.length !== expected.length || JSON.stringify(body?.['features']) !== featuresText) return false;
  return vectors.every((vector, index) => flightEquals(vector.values, expected[index] as ExpectedFlight));
}

function flightEquals(values: readonly unknown[] | undefined, expected: ExpectedFlight): boolean {
  if (values === undefined || values.length !== expected.values.length) return false;
  return values.every((value, place) => flightValueEquals(value, expected, place));
}

export function flightValueEquals(value: unknown, { values }: ExpectedFlight, place: number): boolean {
  const truth = values[place];
  if (typeof truth === 'number' && typeof value === 'number') {
    return value === truth || (estimatePlaces.has(place) && isNear(value, truth));
  }
  return JSON.stringify(value) === JSON.stringify(truth);
}

function isNear(value: number, truth: number): boolean {
  return Math.abs(value - truth) <= ESTIMATE_ERROR_MAX * Math.abs(truth);
}

export interface ExpectedCard {
  readonly request: CardRequest;
  readonly values: readonly number[];
}

/** Whether each vector is that of the card in its place. */
export function cardsEqual({ body }: Answer, expected: readonly ExpectedCard[]): boolean {
  const vectors = vectorsOf(body);
  if (vectors.length !== expected.length || body?.['service'] !== PAYMENTS_SERVICE) return false;
  return vectors.every(({ values }, index) => JSON.stringify(values) === JSON.stringify(expected[index]?.values));
}

export interface ServedVector {
  readonly values?: readonly unknown[];
  readonly issues?: Readonly<Record<string, string>>;
}

export function vectorsOf(body: Answer['body']): readonly ServedVector[] {
  const vectors = body?.['vectors'];
  return Array.isArray(vectors) ? (vectors as readonly ServedVector[]) : [];
}
