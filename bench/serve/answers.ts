/** Asks each contestant once what it will be asked, and compares its values one by one with what the states evaluate to. */
import type { Body, Row } from './requests.ts';
import type { CardState } from './states.ts';
import type { ServiceName } from './workload.ts';

export interface Answer {
  readonly as_of: string;
  readonly features: readonly string[];
  readonly vectors: readonly {
    readonly values: readonly (number | null)[];
    /** Where it differs from the request's. */
    readonly as_of?: string;
    readonly issues?: unknown;
    readonly error?: unknown;
  }[];
}

/** The values of a row at `asOfMs`. */
export type Expected = (row: Row, asOfMs: number) => readonly (number | null)[];

export function vectorsUrl(url: string, service: ServiceName): string {
  return `${url}/v1/feature-services/${service}/vectors`;
}

export async function post(url: string, body: unknown): Promise<string> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${text}`);
  return text;
}

/** Throws at the first value that is not the expected one, or that comes with a status which says that it may be. Answers how many there were. */
export async function verify(url: string, bodies: readonly Body[], expected: Expected): Promise<number> {
  let values = 0;
  for (const body of bodies) {
    const { as_of, features, vectors } = JSON.parse(await post(url, body)) as Answer;
    if (vectors.length !== body.entities.length) throw new Error(`${url}: ${vectors.length} vectors`);
    for (const [index, row] of body.entities.entries()) {
      const vector = vectors[index];
      if (vector?.values === undefined || vector.issues !== undefined) {
        throw new Error(`${url}: ${row.card}: ${JSON.stringify(vector)}`);
      }
      const asOfMs = Date.parse(vector.as_of ?? as_of);
      compare(`${url}: ${row.card} at ${asOfMs}`, features, vector.values, expected(row, asOfMs));
      values += vector.values.length;
    }
  }
  return values;
}

export function compare(
  what: string,
  features: readonly string[],
  found: readonly unknown[],
  wanted: readonly (number | null)[],
): void {
  if (found.length !== wanted.length || features.length !== wanted.length) {
    throw new Error(`${what}: ${found.length} values for ${features.length} names, ${wanted.length} expected`);
  }
  for (const [index, value] of wanted.entries()) {
    if (found[index] !== value) throw new Error(`${what}: ${features[index]} is ${String(found[index])}, not ${value}`);
  }
}

/** By service, from states alone. */
export function expectedOf(
  service: ServiceName,
  states: ReadonlyMap<string, CardState>,
  features: readonly string[],
): Expected {
  const typical = features.indexOf('typical_24h');
  return ({ card, amount = Number.NaN }, asOfMs) => {
    const state = states.get(card);
    if (state === undefined) throw new Error(`there is no state of ${card}`);
    const values = state.valuesAt(asOfMs);
    if (service === 'spend') return values;
    const divisor = values[typical] ?? null;
    const compared = divisor === null || divisor === 0 ? null : amount / divisor;
    return service === 'spend_compared' ? [...values, compared] : [...values, asOfMs - state.newestMs, compared];
  };
}
