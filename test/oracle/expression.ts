/**
 * A few forms of SQL expressions as trees: printed to text for the program under test, and evaluated here by SQL's
 * three-valued logic. A non-finite result, other than of a division by zero, throws `Unevaluable`.
 */
import type { Cell, Scalar } from './model.ts';

export type Expression =
  | { readonly op: 'column'; readonly name: string }
  | { readonly op: 'literal'; readonly value: Scalar }
  | { readonly op: 'not'; readonly of: Expression }
  | { readonly op: 'and' | 'or'; readonly left: Expression; readonly right: Expression }
  | { readonly op: 'compare'; readonly sign: Comparison; readonly left: Expression; readonly right: Expression }
  | { readonly op: 'arithmetic'; readonly sign: Arithmetic; readonly left: Expression; readonly right: Expression }
  | { readonly op: 'between'; readonly of: Expression; readonly low: Expression; readonly high: Expression }
  | { readonly op: 'in'; readonly of: Expression; readonly list: readonly Expression[] }
  | { readonly op: 'case'; readonly when: Expression; readonly chosen: Expression; readonly otherwise: Expression }
  | { readonly op: 'coalesce'; readonly items: readonly Expression[] }
  | { readonly op: 'is_null'; readonly of: Expression; readonly negated: boolean };

export type Comparison = '=' | '<>' | '<' | '<=' | '>' | '>=';
export type Arithmetic = '+' | '-' | '*' | '/';
export type Row = ReadonlyMap<string, Cell>;

export class Unevaluable extends Error {}

export const column = (name: string): Expression => ({ op: 'column', name });
export const literal = (value: Scalar): Expression => ({ op: 'literal', value });
export const not = (of: Expression): Expression => ({ op: 'not', of });
export const and = (left: Expression, right: Expression): Expression => ({ op: 'and', left, right });
export const compare = (left: Expression, sign: Comparison, right: Expression): Expression => ({
  op: 'compare',
  sign,
  left,
  right,
});
export const arithmetic = (left: Expression, sign: Arithmetic, right: Expression): Expression => ({
  op: 'arithmetic',
  sign,
  left,
  right,
});

export function toSql(expression: Expression): string {
  switch (expression.op) {
    case 'column':
      return expression.name;
    case 'literal':
      return literalSql(expression.value);
    case 'not':
      return `(NOT ${toSql(expression.of)})`;
    case 'and':
    case 'or':
      return `(${toSql(expression.left)} ${expression.op.toUpperCase()} ${toSql(expression.right)})`;
    case 'compare':
    case 'arithmetic':
      return `(${toSql(expression.left)} ${expression.sign} ${toSql(expression.right)})`;
    case 'between':
      return `(${toSql(expression.of)} BETWEEN ${toSql(expression.low)} AND ${toSql(expression.high)})`;
    case 'in':
      return `(${toSql(expression.of)} IN (${expression.list.map(toSql).join(', ')}))`;
    case 'case':
      return `(CASE WHEN ${toSql(expression.when)} THEN ${toSql(expression.chosen)} ELSE ${toSql(expression.otherwise)} END)`;
    case 'coalesce':
      return `COALESCE(${expression.items.map(toSql).join(', ')})`;
    case 'is_null':
      return `(${toSql(expression.of)} IS ${expression.negated ? 'NOT ' : ''}NULL)`;
  }
}

function literalSql(value: Scalar): string {
  if (value === null) return 'NULL';
  if (typeof value === 'string') return `'${value.replaceAll("'", "''")}'`;
  if (typeof value === 'boolean') return value ? 'TRUE' : 'FALSE';
  return (typeof value === 'bigint' ? value < 0n : value < 0) ? `(${value})` : String(value);
}

/** Names of the columns an expression reads. */
export function columnsOf(expression: Expression): string[] {
  if (expression.op === 'column') return [expression.name];
  return childrenOf(expression).flatMap(columnsOf);
}

function childrenOf(expression: Expression): readonly Expression[] {
  switch (expression.op) {
    case 'column':
    case 'literal':
      return [];
    case 'not':
    case 'is_null':
      return [expression.of];
    case 'and':
    case 'or':
    case 'compare':
    case 'arithmetic':
      return [expression.left, expression.right];
    case 'between':
      return [expression.of, expression.low, expression.high];
    case 'in':
      return [expression.of, ...expression.list];
    case 'case':
      return [expression.when, expression.chosen, expression.otherwise];
    case 'coalesce':
      return expression.items;
  }
}

export function evaluate(expression: Expression, row: Row): Cell {
  switch (expression.op) {
    case 'column': {
      const value = row.get(expression.name);
      if (value === undefined) throw new RangeError(`oracle: no column ${expression.name}`);
      return value;
    }
    case 'literal':
      return expression.value;
    case 'not': {
      const value = evaluate(expression.of, row);
      return value === null ? null : value === false;
    }
    case 'and':
      return conjunction(evaluate(expression.left, row), evaluate(expression.right, row));
    case 'or':
      return negation(conjunction(negation(evaluate(expression.left, row)), negation(evaluate(expression.right, row))));
    case 'compare':
      return comparison(evaluate(expression.left, row), expression.sign, evaluate(expression.right, row));
    case 'arithmetic':
      return calculation(evaluate(expression.left, row), expression.sign, evaluate(expression.right, row));
    case 'between': {
      const value = evaluate(expression.of, row);
      return conjunction(
        comparison(value, '>=', evaluate(expression.low, row)),
        comparison(value, '<=', evaluate(expression.high, row)),
      );
    }
    case 'in':
      return membership(
        evaluate(expression.of, row),
        expression.list.map((item) => evaluate(item, row)),
      );
    case 'case':
      return evaluate(evaluate(expression.when, row) === true ? expression.chosen : expression.otherwise, row);
    case 'coalesce':
      return expression.items.map((item) => evaluate(item, row)).find((value) => value !== null) ?? null;
    case 'is_null':
      return (evaluate(expression.of, row) === null) !== expression.negated;
  }
}

function negation(value: Cell): Cell {
  return value === null ? null : value === false;
}

function conjunction(left: Cell, right: Cell): Cell {
  if (left === false || right === false) return false;
  return left === null || right === null ? null : true;
}

function membership(value: Cell, list: readonly Cell[]): Cell {
  const results = list.map((item) => comparison(value, '=', item));
  if (results.includes(true)) return true;
  return results.includes(null) ? null : false;
}

function comparison(left: Cell, sign: Comparison, right: Cell): Cell {
  if (left === null || right === null) return null;
  const order = compareCells(left, right);
  switch (sign) {
    case '=':
      return order === 0;
    case '<>':
      return order !== 0;
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
  }
}

/** Numbers by value, strings by their UTF-8 bytes, false before true. */
export function compareCells(left: Cell, right: Cell): number {
  if (typeof left === 'string' && typeof right === 'string') {
    return Buffer.compare(Buffer.from(left, 'utf8'), Buffer.from(right, 'utf8'));
  }
  const [one, other] = [left as number | bigint, right as number | bigint];
  if (one < other) return -1;
  return one > other ? 1 : 0;
}

function calculation(left: Cell, sign: Arithmetic, right: Cell): Cell {
  if (left === null || right === null) return null;
  const [one, other] = [left as number, right as number];
  if (sign === '/' && other === 0) return null;
  let result: number;
  if (sign === '+') result = one + other;
  else if (sign === '-') result = one - other;
  else result = sign === '*' ? one * other : one / other;
  if (!Number.isFinite(result)) throw new Unevaluable(`${one} ${sign} ${other}`);
  return result === 0 ? 0 : result;
}
