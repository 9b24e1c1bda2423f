/**
 * Expressions without one parenthesis, of operators and operands drawn without a thought for types: what comes of them
 * is decided by how the parser groups them. Values are tame and operators few, so that the same text serves both.
 */
import type { Random } from '../../oracle/random.ts';
import type { Kind } from './piece.ts';
import type { Column } from './rows.ts';

export const SOUP_COLUMNS: readonly Column[] = [
  ['a', 'int', [0, 1, 2, 3, null]],
  ['b', 'int', [3, 2, null, 1, 0]],
  ['d', 'double', [0.5, 1, null, 2, 3]],
  ['p', 'bool', [true, false, null]],
  ['q', 'bool', [false, null, true, true]],
  ['r', 'bool', [null, true, false, false, true]],
  ['s', 'string', ['', 'a', 'b', null, 'true']],
].map(([name, kind, pool]) => ({
  name: name as string,
  kind: kind as Kind,
  nullable: true,
  values: Array.from({ length: 30 }, (_, row) => (pool as Column['values'])[row % (pool as []).length] ?? null),
}));

const OPERANDS = ['a', 'b', 'd', 'p', 'q', 'r', 'p', 'q', 'r', 's', '1', '2', "'a'", 'TRUE', 'a', 'b'] as const;
const INFIX = [
  '+',
  '-',
  '*',
  '=',
  '<>',
  '<',
  '>=',
  'AND',
  'OR',
  '||',
  'IS DISTINCT FROM',
  'IS NOT DISTINCT FROM',
] as const;
const POSTFIX = ['IS NULL', 'IS NOT NULL', 'IS TRUE', 'IS NOT FALSE', 'IN (1, 2)', 'NOT IN (p, q)'] as const;

export function soup(random: Random): string {
  const words: string[] = [];
  for (let count = random.integer(2, 5); count > 0; count--) {
    if (words.length > 0) words.push(random.pick(INFIX));
    if (random.chance(0.2)) words.push(random.pick(['NOT', '-']));
    const operand = random.pick(OPERANDS);
    // A string might not be readable, and then AND and OR differ.
    words.push(operand === 's' || operand === "'a'" || random.chance(0.9) ? operand : `${operand}::double`);
    if (random.chance(0.25)) words.push(random.pick(POSTFIX));
    if (random.chance(0.1)) words.push('BETWEEN', random.pick(OPERANDS), 'AND', random.pick(OPERANDS));
  }
  return words.join(' ');
}
