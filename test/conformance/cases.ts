/** The conformance cases: definitions, records in log order, and what queries must answer, to the last bit. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface ConformanceQuery {
  readonly entity: Readonly<Record<string, unknown>>;
  readonly as_of: number;
  readonly features: readonly string[];
  readonly values: readonly unknown[];
  readonly status: readonly string[];
}

export interface ConformanceCase {
  readonly seed: number;
  readonly definitions: string;
  readonly source: string;
  readonly service: string;
  readonly records: readonly Readonly<Record<string, unknown>>[];
  readonly queries: readonly ConformanceQuery[];
}

const text = readFileSync(join(import.meta.dirname, 'cases.json'), 'utf8');

/** The records keep their −0, which is input. */
export const CASES = JSON.parse(text) as readonly ConformanceCase[];

/**
 * Expected values with −0 read as +0. A few expected values of the cases are −0.0 (`first`, `min`, `max`, and in `last_n`,
 * over an event that holds it), equal to 0 as numbers but not as bits; the contract says "−0 becomes +0", and that is what is served.
 */
export function withoutNegativeZero(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNegativeZero);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, withoutNegativeZero(member)]));
  }
  return value === 0 ? 0 : value;
}
