/** Reads parameters that definitions have already checked against an aggregation's rules. */
import { assert } from '../core/assert.ts';
import type { AggregationParams } from '../definition/definition.ts';

export function numberParam(params: AggregationParams, name: 'n' | 'k' | 'q' | 'keys_max'): number {
  const value = params[name];
  assert(typeof value === 'number', `parameter ${name} is a number`);
  return value;
}

export function numbersParam(params: AggregationParams, name: 'edges'): readonly number[] {
  const value = params[name];
  assert(Array.isArray(value), `parameter ${name} is a list of numbers`);
  return value as readonly number[];
}
