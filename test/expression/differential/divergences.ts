/**
 * Every documented difference between the language and DuckDB, by the title of its row in docs/expressions.md: either
 * the generator gives DuckDB a text that does what the language does (`translated`), a setting does that (`setting`), or
 * it does not generate the case at all (`avoided`, tested elsewhere by hand).
 */
export interface Divergence {
  /** First column of its row in the documentation. */
  readonly title: string;
  readonly handled: 'translated' | 'setting' | 'avoided';
}

export const DIVERGENCES = {
  intRange: { title: 'Range of int', handled: 'translated' },
  finite: { title: 'Infinities and NaN', handled: 'translated' },
  zeroDivision: { title: 'Division by zero', handled: 'setting' },
  decimalLiteral: { title: 'Literals with a point', handled: 'translated' },
  intLiteral: { title: 'Whole literals', handled: 'translated' },
  shortCircuit: { title: 'AND and OR', handled: 'translated' },
  leastRemainder: { title: 'Remainder of the least int64', handled: 'translated' },
  betweenErrors: { title: 'BETWEEN', handled: 'avoided' },
  constantCast: { title: 'Constants', handled: 'avoided' },
  inStops: { title: 'IN', handled: 'avoided' },
  nullConstant: { title: 'NULL beside an error', handled: 'avoided' },
  mixedComparison: { title: 'int64 compared with double', handled: 'avoided' },
  implicitCast: { title: 'Implicit casts', handled: 'avoided' },
  wholeRounding: { title: 'floor and ceil of an int', handled: 'translated' },
  textToNumber: { title: 'CAST of a string to a number', handled: 'translated' },
  textToTimestamp: { title: 'CAST of a string to timestamp', handled: 'translated' },
  doubleToText: { title: 'CAST of a double to string', handled: 'avoided' },
  timestampToText: { title: 'CAST of a timestamp to string', handled: 'translated' },
  timestampToInt: { title: 'CAST of a timestamp to int', handled: 'translated' },
  intCast: { title: 'CAST to int', handled: 'translated' },
  timestampDifference: { title: 'timestamp − timestamp', handled: 'translated' },
  clockFunctions: { title: 'Clock and calendar functions', handled: 'translated' },
  placeFunctions: { title: 'Functions of places', handled: 'translated' },
  lastDigits: { title: 'Last digits', handled: 'translated' },
  letterCase: { title: 'lower and upper', handled: 'avoided' },
  farPositions: { title: 'Far positions', handled: 'avoided' },
  columnNames: { title: 'Names of columns', handled: 'avoided' },
} as const satisfies Record<string, Divergence>;

export type DivergenceName = keyof typeof DIVERGENCES;
