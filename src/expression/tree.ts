/**
 * The syntax tree of an expression: what the language has, and nothing of the parser that read it. Spellings are
 * already one here (`<>` and `!=`, `pow` and `power`, `x::int` and CAST); parentheses are gone.
 */
import type { ExpressionProblem } from './expression.ts';

export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%';
export type ComparisonOperator = '=' | '<>' | '<' | '<=' | '>' | '>=';
export type DistinctOperator = 'IS DISTINCT FROM' | 'IS NOT DISTINCT FROM';
export type BinaryOperator = ArithmeticOperator | ComparisonOperator | DistinctOperator | '||';

/** `start` is an index into the text. */
export type Tree = { readonly start: number } & (
  | { readonly kind: 'number'; readonly digits: string }
  | { readonly kind: 'constant'; readonly value: string | boolean | null }
  | { readonly kind: 'column'; readonly name: string }
  | { readonly kind: 'sign'; readonly operator: '-' | '+'; readonly operand: Tree }
  | { readonly kind: 'not'; readonly operand: Tree }
  | { readonly kind: 'junction'; readonly operator: 'AND' | 'OR'; readonly operands: readonly Tree[] }
  | { readonly kind: 'binary'; readonly operator: BinaryOperator; readonly left: Tree; readonly right: Tree }
  | {
      readonly kind: 'test';
      readonly test: 'NULL' | 'TRUE' | 'FALSE';
      readonly negated: boolean;
      readonly operand: Tree;
    }
  | { readonly kind: 'in'; readonly negated: boolean; readonly operand: Tree; readonly members: readonly Tree[] }
  | {
      readonly kind: 'between';
      readonly negated: boolean;
      readonly operand: Tree;
      readonly low: Tree;
      readonly high: Tree;
    }
  | {
      readonly kind: 'case';
      /** Null for a searched CASE. */
      readonly subject: Tree | null;
      readonly branches: readonly { readonly when: Tree; readonly then: Tree }[];
      readonly otherwise: Tree | null;
    }
  | { readonly kind: 'cast'; readonly operand: Tree; readonly typeName: string }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Tree[] }
  /** Something outside the language, with what it is; its operands are kept so that they are checked as well. */
  | { readonly kind: 'foreign'; readonly problem: ExpressionProblem; readonly operands: readonly Tree[] }
);
