/**
 * Redis hangs, goes on, is killed, and comes back empty, while requests go on. What must be answered meanwhile is the design's
 * table of faults: what is exact, or withheld with a status that says why, or 503; within the budget of the request.
 */
import exec from 'k6/execution';
import http from 'k6/http';
import { type Answer, type ResponseCallback, postVectors, settle } from './ask.ts';
import {
  type ExpectedFlight,
  FLIGHTS_SERVICE,
  type ServedVector,
  flightValueEquals,
  flights,
  vectorsOf,
} from './expected.ts';
import { run } from './plan.ts';

const BUDGET_MS = 100;
/** Longer than the tier may serve what it cannot confirm. */
const STALENESS_MAX_MS = 5_000;
const WITHHELD_WHILE_AWAY = new Set(['UNAVAILABLE', 'TIMED_OUT']);
const WITHHELD_WHILE_BUILDING = new Set([...WITHHELD_WHILE_AWAY, 'REBUILDING']);
/** By COALESCE, also of inputs that are withheld: its value then bears their status. */
const ALWAYS_A_VALUE = new Set(['rough_weather']);
const ANSWERS: ResponseCallback = http.expectedStatuses(200, 503);

/** Redis hangs, or is not there. */
export function askWhileAway(): void {
  const { flight, answer } = ask('vectors_outage');
  const [row] = vectorsOf(answer.body);
  const isOverdue = Date.now() - exec.scenario.startTime > STALENESS_MAX_MS;
  settle({
    'an outage withholds or is exact': withholds(answer, flight, WITHHELD_WHILE_AWAY),
    'nothing is served beyond the staleness bound': !isOverdue || answer.status === 503 || row?.values?.[0] === null,
  });
}

/** Redis is back, as it was or empty. */
export function askWhileReturning(): void {
  const { flight, answer } = ask('vectors_returning');
  settle({ 'a rebuild withholds or is exact': withholds(answer, flight, WITHHELD_WHILE_BUILDING) });
}

export function hangRedis(): void {
  control('hang');
}

export function resumeRedis(): void {
  control('resume');
}

export function killRedis(): void {
  control('kill');
}

/** It has kept nothing. */
export function restartRedis(): void {
  control('restart');
}

function control(action: string): void {
  const { status } = http.post(`${run.controlUrl}/redis/${action}`, null, { tags: { name: 'control' } });
  if (status !== 200) exec.test.abort(`the runner did not ${action} Redis: status ${status}`);
}

function ask(endpoint: string): { readonly flight: ExpectedFlight; readonly answer: Answer } {
  const flight = flights[Math.floor(Math.random() * flights.length)] as ExpectedFlight;
  const body = { entities: [flight.entity], as_of: flight.as_of, budget_ms: BUDGET_MS };
  return { flight, answer: postVectors(endpoint, FLIGHTS_SERVICE, body, ANSWERS) };
}

/** A value that is not the truth must say so by its status, and be null unless it is derived of what is not there. */
function withholds({ status, body }: Answer, flight: ExpectedFlight, allowed: ReadonlySet<string>): boolean {
  if (status === 503) return typeof body?.['code'] === 'string';
  const features = body?.['features'];
  const [row] = vectorsOf(body);
  if (status !== 200 || row === undefined || !Array.isArray(features)) return false;
  return (features as string[]).every((name, place) => isExactOrWithheld(row, flight, name, place, allowed));
}

function isExactOrWithheld(
  { values, issues }: ServedVector,
  flight: ExpectedFlight,
  name: string,
  place: number,
  allowed: ReadonlySet<string>,
): boolean {
  const value = values?.[place];
  const isFlagged = allowed.has(issues?.[name] ?? '');
  if (isFlagged && (value === null || ALWAYS_A_VALUE.has(name))) return true;
  return flightValueEquals(value, flight, place);
}
