/** Function names that are other spellings of something the language has: one meaning, one tree. */
import type { Tree } from './tree.ts';

export const FUNCTION_SPELLINGS: ReadonlyMap<string, string> = new Map([
  ['pow', 'power'],
  ['ceiling', 'ceil'],
  ['substr', 'substring'],
  ['prefix', 'starts_with'],
  ['suffix', 'ends_with'],
]);

/** A call as written → a call by its one name; `mod(x, y)` is `x % y` and `if(c, x, y)` is a CASE. */
export function callOf(name: string, args: readonly Tree[], start: number): Tree {
  const [first, second, third] = args;
  if (name === 'mod' && args.length === 2 && first !== undefined && second !== undefined) {
    return { kind: 'binary', operator: '%', left: first, right: second, start };
  }
  if (name === 'ifnull' && args.length === 2) return { kind: 'call', name: 'coalesce', args, start };
  if (name === 'if' && args.length === 3 && first !== undefined && second !== undefined && third !== undefined) {
    return { kind: 'case', subject: null, branches: [{ when: first, then: second }], otherwise: third, start };
  }
  return { kind: 'call', name: FUNCTION_SPELLINGS.get(name) ?? name, args, start };
}
