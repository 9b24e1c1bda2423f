/** The conformance cases as models: their YAML has a handful of expressions, written out here as trees by hand. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { OracleRecord } from './decode.ts';
import { and, arithmetic, column, compare, type Expression, literal, not } from './expression.ts';
import type { Cell, Kind, ModelFeature, ModelSource, ModelView } from './model.ts';

export interface ConformanceQuery {
  readonly entity: Readonly<Record<string, Cell>>;
  readonly as_of: number;
  readonly features: readonly string[];
  readonly values: readonly unknown[];
  readonly status: readonly string[];
}

export interface ConformanceCase {
  readonly seed: number;
  readonly source: string;
  readonly service: string;
  readonly definitions: string;
  readonly records: readonly Readonly<Record<string, unknown>>[];
  readonly queries: readonly ConformanceQuery[];
}

const [b, c, n, x, y] = [column('b'), column('c'), column('n'), column('x'), column('y')];
const zero = literal(0);
const one = literal(1);

const EXPRESSIONS: ReadonlyMap<string, Expression> = new Map<string, Expression>([
  ['b', b],
  ['c', c],
  ['n', n],
  ['x', x],
  ['y', y],
  ['n BETWEEN 1 AND 3', { op: 'between', of: n, low: one, high: literal(3) }],
  ["c = 'a'", compare(c, '=', literal('a'))],
  ["c IN ('a', 'é')", { op: 'in', of: c, list: [literal('a'), literal('é')] }],
  ['NOT b', not(b)],
  ['NOT b AND x > 0', and(not(b), compare(x, '>', zero))],
  ['COALESCE(x, 1) > 0', compare({ op: 'coalesce', items: [x, one] }, '>', zero)],
  ['x / 0 > 1', compare(arithmetic(x, '/', zero), '>', one)],
  ['n / 2 > 1', compare(arithmetic(n, '/', literal(2)), '>', one)],
  ['x IS NOT NULL', { op: 'is_null', of: x, negated: true }],
  ['x > 0', compare(x, '>', zero)],
  [
    'CASE WHEN b THEN TRUE ELSE x > 0 END',
    { op: 'case', when: b, chosen: literal(true), otherwise: compare(x, '>', zero) },
  ],
]);

function treeOf(text: string): Expression {
  const tree = EXPRESSIONS.get(text);
  if (tree === undefined) throw new RangeError(`oracle: no tree for ${text}`);
  return tree;
}

type Plain = Record<string, unknown>;

function sourceOf(source: Plain): ModelSource {
  const fields = Object.entries(source['fields'] as Record<string, string>).map(([name, type]) => ({
    name,
    kind: type.replace('?', '') as Kind,
    nullable: type.endsWith('?'),
  }));
  return { ...(source as unknown as ModelSource), fields };
}

function featureOf({ of, where, ...rest }: Plain): ModelFeature {
  const input =
    typeof of === 'object'
      ? { members: Object.entries(of as Record<string, string>).map(([name, text]) => [name, treeOf(text)] as const) }
      : typeof of === 'string' && { of: treeOf(of) };
  return {
    ...(rest as unknown as ModelFeature),
    ...input,
    ...(typeof where === 'string' && { where: treeOf(where) }),
  };
}

/** The views of a case, in the order of definition, which is that of its service. */
export function viewsOf(definitions: string): ModelView[] {
  const document = parse(definitions) as { sources: Plain[]; entities: Plain[]; views: Plain[] };
  const source = sourceOf(document.sources[0] as Plain);
  return document.views.map(({ entity, where, features, ...rest }) => {
    const declared = document.entities.find((candidate) => candidate['name'] === entity) as Plain;
    const keys = Object.entries(declared['keys'] as Record<string, Kind>);
    return {
      ...(rest as unknown as ModelView),
      source,
      keys: keys.map(([name, kind]) => ({ name, kind, column: name })),
      ...(typeof where === 'string' && { where: treeOf(where) }),
      features: (features as Plain[]).map(featureOf),
    };
  });
}

/** The log of a case: one partition, offsets from 0, appended after every event time. */
export function recordsOf(testCase: ConformanceCase): OracleRecord[] {
  const appendedMs = Math.max(...testCase.records.map((record) => Number(record['ts']))) + 1;
  return testCase.records.map((json, offset) => ({ partition: 0, offset, appendedMs, json }));
}

export function readCases(): ConformanceCase[] {
  return JSON.parse(readFileSync(new URL('../conformance/cases.json', import.meta.url), 'utf8')) as ConformanceCase[];
}
