/** Whether the engine said what the oracle says: the same bits, or within the stated error for sketches. */
import type { Evaluation } from '../../src/state/state.ts';
import type { Aggregated } from '../oracle/aggregate.ts';
import type { OracleResult } from '../oracle/oracle.ts';

/** Relative error of quantiles. */
const QUANTILE_ERROR = 0.01;
/** Four standard errors of 1.04 / √4096; among few values, one or two may share a register with another. */
const DISTINCT_ERROR = 4 * (1.04 / 64);
const DISTINCT_SHARED_MAX = 2;
const TINY = 2 ** -1022;

function isWithin(result: Aggregated, value: unknown): boolean {
  if (result.kind === 'over_limit') return value === null;
  if (result.kind === 'value') return show(value) === show(result.value);
  if (typeof value !== 'number') return false;
  const distance = Math.abs(value - result.truth);
  if (result.of === 'count_distinct') return distance <= Math.max(result.truth * DISTINCT_ERROR, DISTINCT_SHARED_MAX);
  const unit = Math.abs(result.truth) < TINY ? 2 ** -1074 : 0;
  return distance <= Math.abs(result.truth) * QUANTILE_ERROR + unit;
}

/** What differs, one sentence per feature. */
export function differences(expected: readonly OracleResult[], actual: Evaluation): string[] {
  if (expected.length !== actual.values.length) return [`${actual.values.length} features, not ${expected.length}`];
  return expected.flatMap(({ name, status, result, eventTimeMs }, index) => {
    const value = actual.values[index];
    const found: string[] = [];
    if (actual.statuses[index] !== status) found.push(`${name}: status ${actual.statuses[index]}, not ${status}`);
    if (!isWithin(result, value)) found.push(`${name}: ${show(value)}, not ${show(result)}`);
    const time = actual.eventTimesMs[index];
    if (time !== eventTimeMs) found.push(`${name}: event time ${time}, not ${eventTimeMs}`);
    return found;
  });
}

export function show(value: unknown): string {
  return JSON.stringify(value, (_name, part: unknown) => {
    if (typeof part === 'bigint') return `${part}n`;
    return Object.is(part, -0) ? '-0' : part;
  });
}

/** All bits of an evaluation, as text. */
export function fingerprintOf(evaluation: Evaluation): string {
  return show([evaluation.values, evaluation.statuses, evaluation.eventTimesMs]);
}
