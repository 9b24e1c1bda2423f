/** One feature of a view as declared: aggregation, what it reads, its filter, its windows. Several outputs share it. */
import { nearestName } from '../core/suggest.ts';
import type { FieldType, Value } from '../core/value.ts';
import type { CompiledExpression } from '../expression/expression.ts';
import { child, entries, isMapping, report, textAt } from './cursor.ts';
import { type GovernedTexts, readGovernedTexts } from './catalog-texts.ts';
import type { Cursor } from './cursor.ts';
import { readDefault } from './default-value.ts';
import type { AggregationCatalog, AggregationParams, AggregationRules, ViewColumn } from './definition.ts';
import { compileCondition, compileText } from './expression-text.ts';
import type { Columns } from './expression-text.ts';
import { readParams } from './params.ts';
import { readWindows } from './window.ts';
import type { NamedWindow } from './window.ts';

export type FeatureInput = Omit<ViewColumn, 'magnitude'>;

/** What a feature computes, once everything about it is known to be right. */
export interface FeatureMeaning {
  readonly rules: AggregationRules;
  readonly params: AggregationParams;
  readonly input: FeatureInput | null;
  readonly filter: CompiledExpression | null;
  readonly defaultValue: Value;
  readonly type: FieldType;
}

export interface FeatureDraft extends GovernedTexts {
  readonly cursor: Cursor;
  /** Empty where it could not be read. */
  readonly baseName: string;
  readonly owner: string;
  /** Null stands for a window that was reported. */
  readonly windows: readonly (NamedWindow | null)[];
  /** Null after a report, here or on what it rests on. */
  readonly meaning: FeatureMeaning | null;
}

export function readFeature(cursor: Cursor, columns: Columns, catalog: AggregationCatalog): FeatureDraft {
  return {
    cursor,
    baseName: textAt(cursor, 'name') ?? '',
    owner: textAt(cursor, 'owner') ?? '',
    ...readGovernedTexts(cursor),
    windows: readWindows(child(cursor, 'windows')),
    meaning: readMeaning(cursor, columns, catalog),
  };
}

function readMeaning(cursor: Cursor, columns: Columns, catalog: AggregationCatalog): FeatureMeaning | null {
  const rules = readAggregation(cursor, catalog);
  const params = rules === null ? null : readParams(cursor, rules);
  const whereCursor = child(cursor, 'where');
  const filter = whereCursor ? compileCondition(whereCursor, columns) : null;
  const ofCursor = child(cursor, 'of');
  const input = ofCursor ? readInput(ofCursor, columns) : null;
  const inputFits = rules !== null && checkPresence(cursor, rules, ofCursor !== undefined);
  const inputFailed = ofCursor !== undefined && input === null;
  if (rules === null || params === null || !inputFits || inputFailed) return null;
  const result = rules.resultType(input === null ? null : { type: input.type, nullable: input.nullable }, params);
  if ('problem' in result) {
    report(ofCursor ?? cursor, 'type_mismatch', result.problem);
    return null;
  }
  const defaultCursor = child(cursor, 'default');
  const typed = defaultCursor ? readDefault(defaultCursor, result) : { value: null, type: result };
  const filterFailed = whereCursor !== undefined && filter === null;
  if (typed === null || filterFailed) return null;
  return { rules, params, input, filter, defaultValue: typed.value, type: typed.type };
}

function readAggregation(cursor: Cursor, catalog: AggregationCatalog): AggregationRules | null {
  const at = child(cursor, 'agg');
  if (!at || typeof at.value !== 'string') return null;
  const rules = catalog.get(at.value);
  if (rules !== undefined) return rules;
  report(at, 'unknown_reference', 'there is no such aggregation', {
    expected: `one of ${[...catalog.keys()].join(', ')}`,
    found: at.value,
    suggestion: AGGREGATION_SYNONYMS[at.value.toLowerCase()] ?? nearestName(at.value, catalog.keys()),
  });
  return null;
}

const AGGREGATION_SYNONYMS: Readonly<Record<string, string>> = {
  avg: 'mean',
  average: 'mean',
  std: 'stddev',
  var: 'variance',
  latest: 'last',
  nunique: 'count_distinct',
  approx_count_distinct: 'count_distinct',
  percentile: 'quantile',
  median: 'quantile',
};

function checkPresence(cursor: Cursor, rules: AggregationRules, given: boolean): boolean {
  if (rules.of === 'required' && !given) {
    const expected = 'of: the expression whose values it reads';
    report(cursor, 'missing_key', `${rules.name} needs "of"`, { expected, found: 'nothing' });
    return false;
  }
  const at = child(cursor, 'of');
  if (rules.of === 'none' && at) report(at, 'bad_parameter', `${rules.name} takes no "of"`, {}, 'key');
  return !(rules.of === 'none' && given);
}

/** `of`: one expression, or a struct of several. */
function readInput(cursor: Cursor, columns: Columns): FeatureInput | null {
  if (!isMapping(cursor.value)) {
    const expression = compileText(cursor, columns);
    if (expression === null) return null;
    return { ...expression.result, canonical: expression.canonical, members: [{ name: '', expression }] };
  }
  const members = entries(cursor).map(([name, text]) => ({ name, expression: compileText(text, columns) }));
  const compiled = members.filter((member): member is ViewColumn['members'][number] => member.expression !== null);
  if (compiled.length < Object.keys(cursor.value).length) return null;
  return {
    type: {
      kind: 'struct',
      fields: compiled.map(({ name, expression }) => ({ name, ...expression.result })),
    },
    nullable: false,
    canonical: `{${compiled.map(({ name, expression }) => `${name}: ${expression.canonical}`).join(', ')}}`,
    members: compiled,
  };
}
