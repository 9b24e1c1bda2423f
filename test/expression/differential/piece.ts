/**
 * An expression under construction, in two texts: the one given to the program, and the one DuckDB evaluates. They are
 * the same but for the divergences (divergences.ts). Both are printed with as few parentheses as SQL allows, so that how
 * operators group is compared as well.
 */
import type { Random } from '../../oracle/random.ts';

export type Kind = 'int' | 'int64' | 'double' | 'string' | 'bool' | 'timestamp';
export const KINDS: readonly Kind[] = ['int', 'int64', 'double', 'string', 'bool', 'timestamp'];

/** How tightly SQL binds, from OR up; an operand that binds looser stands in parentheses. */
export const LEVEL = {
  or: 1,
  and: 2,
  not: 3,
  is: 4,
  comparison: 5,
  range: 6,
  concatenation: 7,
  sum: 8,
  product: 9,
  sign: 11,
  atom: 13,
} as const;

export interface Piece {
  readonly kind: Kind;
  readonly level: number;
  readonly ours: string;
  readonly duck: string;
  /** Whether some row may make it an error. */
  readonly fallible: boolean;
  /** Computed by a function whose last digits the two engines round differently: never an operand. */
  readonly approximate: boolean;
  /** A literal, or what the compiler computes as it would one. */
  readonly constant: boolean;
  /** Whether any column is in it. */
  readonly varies: boolean;
}

export function atom(kind: Kind, ours: string, duck = ours): Piece {
  return { kind, level: LEVEL.atom, ours, duck, fallible: false, approximate: false, constant: false, varies: false };
}

export function columnPiece(kind: Kind, name: string): Piece {
  return { ...atom(kind, name), varies: true };
}

/** As an operand of something at `level`: in parentheses where needed, and now and then where not. */
export function operand(random: Random, piece: Piece, level: number): Piece {
  if (piece.level >= level && !random.chance(0.1)) return piece;
  return { ...piece, level: LEVEL.atom, ours: `(${piece.ours})`, duck: `(${piece.duck})` };
}

/** Parts and texts in turn; the same in both dialects. */
export function joined(kind: Kind, level: number, parts: readonly (string | Piece)[]): Piece {
  const text = (dialect: 'ours' | 'duck') =>
    parts.map((part) => (typeof part === 'string' ? part : part[dialect])).join('');
  const pieces = parts.filter((part) => typeof part !== 'string');
  return {
    kind,
    level,
    ours: text('ours'),
    duck: text('duck'),
    fallible: pieces.some((piece) => piece.fallible),
    approximate: pieces.some((piece) => piece.approximate),
    constant: false,
    varies: pieces.some((piece) => piece.varies),
  };
}

/** DuckDB evaluates something else than it would by the same text; what, `duck` says. */
export function translated(piece: Piece, duck: (text: string) => string, fallible = piece.fallible): Piece {
  return { ...piece, duck: duck(piece.duck), fallible };
}
