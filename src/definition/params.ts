/** An aggregation's parameters, as its rules say: required ones present, unknown ones refused, defaults filled in. */
import { nearestName } from '../core/suggest.ts';
import { child, report } from './cursor.ts';
import type { Cursor } from './cursor.ts';
import type { AggregationParamRule, AggregationParams, AggregationRules } from './definition.ts';
import { describeFound } from './problem.ts';

const PARAM_NAMES = ['n', 'k', 'q', 'edges', 'keys_max'] as const;

/** Null after reporting what is wrong. */
export function readParams(feature: Cursor, rules: AggregationRules): AggregationParams | null {
  const params: Record<string, number | readonly number[]> = {};
  let sound = reportForeign(feature, rules);
  for (const rule of rules.params) {
    const at = child(feature, rule.name);
    if (at === undefined && rule.defaultValue !== null) {
      params[rule.name] = rule.defaultValue;
      continue;
    }
    if (at === undefined) {
      report(feature, 'bad_parameter', `${rules.name} needs ${rule.name}`, {
        expected: describeRule(rule),
        found: 'nothing',
      });
    }
    const value = at ? checkedParam(at, rule) : null;
    if (value === null) sound = false;
    else params[rule.name] = value;
  }
  return sound ? params : null;
}

/** Whether no parameter of another aggregation is given. */
function reportForeign(feature: Cursor, rules: AggregationRules): boolean {
  const own = rules.params.map((rule) => rule.name);
  let sound = true;
  for (const name of PARAM_NAMES) {
    const at = child(feature, name);
    if (at === undefined || own.includes(name)) continue;
    sound = false;
    if (at === null) continue;
    report(
      at,
      'bad_parameter',
      `${rules.name} has no parameter ${name}`,
      {
        expected: own.length === 0 ? 'none' : own.join(', '),
        suggestion: nearestName(name, own) ?? 'removing it',
      },
      'key',
    );
  }
  return sound;
}

function checkedParam(at: Cursor, rule: AggregationParamRule): number | readonly number[] | null {
  const { value } = at;
  if (rule.kind === 'increasing numbers') {
    const numbers = Array.isArray(value) ? value.map((item: unknown) => (item as number) + 0) : [];
    const increasing = numbers.every((item, index) => index === 0 || item > (numbers[index - 1] as number));
    if (numbers.length > 0 && increasing && numbers.every((item) => inRange(item, rule))) return Object.freeze(numbers);
  } else if (typeof value === 'number' && inRange(value, rule)) {
    if (rule.kind === 'number' || Number.isSafeInteger(value)) return value + 0;
  }
  report(at, 'bad_parameter', `${rule.name} is not what it should be`, {
    expected: describeRule(rule),
    found: Array.isArray(value) ? JSON.stringify(value).slice(0, 80) : describeFound(value),
  });
  return null;
}

const inRange = (value: unknown, rule: AggregationParamRule): boolean =>
  typeof value === 'number' && value >= rule.min && value <= rule.max;

function describeRule(rule: AggregationParamRule): string {
  if (rule.kind === 'increasing numbers') return 'a list of increasing numbers';
  return `${rule.kind === 'integer' ? 'an integer' : 'a number'} from ${rule.min} to ${rule.max}`;
}
