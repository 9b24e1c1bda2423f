/** Seeded random expressions, well-typed by construction, over the columns of rows.ts. Counts what it makes. */
import type { Random } from '../../oracle/random.ts';
import { callTo, type MakeOperand, varying } from './generate-calls.ts';
import { castTo } from './generate-casts.ts';
import { type Coverage, literalOf, word } from './generate-leaves.ts';
import { atom, columnPiece, type Kind, joined, KINDS, LEVEL, operand, type Piece, translated } from './piece.ts';
import type { Column } from './rows.ts';

const NUMBERS: readonly Kind[] = ['int', 'double'];

export interface Generator {
  /** An expression of that kind, at most `depth` operators deep. */
  generate(kind: Kind, depth: number): Piece;
}

export function createGenerator(random: Random, columns: readonly Column[], coverage: Coverage): Generator {
  function columnOf(kind: Kind): Piece {
    const { name } = random.pick(columns.filter((column) => column.kind === kind));
    return columnPiece(kind, name);
  }

  function leaf(kind: Kind): Piece {
    if (random.chance(0.65)) return columnOf(kind);
    // Never null, `q IS NULL` never holds; DuckDB takes a constant NULL for the result, even beside an error.
    const noConstant = `(CASE WHEN q IS NULL THEN CAST(NULL AS ${DUCK_TYPES[kind]}) END)`;
    if (random.chance(0.1)) return { ...atom(kind, `CAST(NULL AS ${kind})`, noConstant), varies: true };
    return literalOf(random, kind, coverage);
  }

  /** What may stand where an error would be seen differently: a column or a literal. */
  const simple: MakeOperand = (kind) => leaf(kind);

  /** Something with no column in it would be constant to DuckDB, and a constant NULL is (see `leaf`). */
  function generate(kind: Kind, depth: number): Piece {
    const piece = anything(kind, depth);
    return piece.varies || piece.constant ? piece : columnOf(kind);
  }

  function anything(kind: Kind, depth: number): Piece {
    if (depth <= 0 || random.chance(0.1)) return leaf(kind);
    const make: MakeOperand = (wanted) => generate(wanted, depth - 1);
    const choice = random.next();
    if (choice < 0.16) return conditional(kind, make);
    if (choice < 0.3) return castTo(random, kind, make, coverage);
    if (choice < 0.55) return callTo(random, kind, make, coverage) ?? operator(kind, make);
    return operator(kind, make);
  }

  function operator(kind: Kind, make: MakeOperand): Piece {
    if (kind === 'bool') return condition(make);
    if (kind === 'string') {
      coverage.count('||');
      const [left, right] = [
        operand(random, make(kind), LEVEL.concatenation),
        operand(random, make(kind), LEVEL.concatenation + 1),
      ];
      return joined(kind, LEVEL.concatenation, [left, ' || ', right]);
    }
    if (kind === 'timestamp') return conditional(kind, make);
    if (random.chance(0.12)) return sign(kind, make);
    return arithmetic(kind, make);
  }

  function sign(kind: Kind, make: MakeOperand): Piece {
    const which = random.chance(0.85) ? '-' : '+';
    coverage.count(`sign ${which}`);
    // The least int64 has no opposite: refused when compiling.
    const value = kind === 'int64' ? varying(make, kind) : make(kind);
    const signed = joined(kind, LEVEL.sign, [which, ' ', operand(random, value, LEVEL.sign)]);
    return { ...signed, fallible: signed.fallible || kind === 'int64', constant: value.constant };
  }

  function arithmetic(kind: Kind, make: MakeOperand): Piece {
    if (kind === 'int' && random.chance(0.08)) {
      coverage.count('timestamp - timestamp', 'divergence timestampDifference');
      const [left, right] = [make('timestamp'), make('timestamp')];
      const ours = joined('int', LEVEL.sum, [
        operand(random, left, LEVEL.sum),
        ' - ',
        operand(random, right, LEVEL.sum + 1),
      ]);
      return { ...ours, duck: `(epoch_ms(${left.duck}) - epoch_ms(${right.duck}))` };
    }
    const sign = random.pick(kind === 'double' ? ['+', '-', '*', '/', '%'] : ['+', '-', '*', '%']);
    coverage.count(`${kind} ${sign}`);
    if (sign === '/' || sign === '%') coverage.count('divergence zeroDivision');
    const level = sign === '+' || sign === '-' ? LEVEL.sum : LEVEL.product;
    const [one, other] = operandKinds(kind, sign);
    const left = operand(random, make(one), level);
    const right = operand(random, make(other), level + 1);
    const piece = joined(kind, level, [left, ` ${sign} `, right]);
    if (kind !== 'int64' || sign !== '%') return checked(piece);
    coverage.count('divergence leastRemainder');
    return { ...piece, duck: `remainder_(${left.duck}, ${right.duck})` };
  }

  /** A double comes of two doubles, of one and an int, or by `/` of two ints. */
  function operandKinds(kind: Kind, sign: string): readonly [Kind, Kind] {
    if (kind === 'int64')
      return random.pick([
        ['int64', 'int64'],
        ['int', 'int64'],
        ['int64', 'int'],
      ] as const);
    if (kind === 'int') return ['int', 'int'];
    const mixes: (readonly [Kind, Kind])[] = [
      ['double', 'double'],
      ['int', 'double'],
      ['double', 'int'],
    ];
    return random.pick(sign === '/' ? [...mixes, ['int', 'int']] : mixes);
  }

  /** DuckDB's results are held to the language's ranges. */
  function checked(piece: Piece): Piece {
    if (piece.kind === 'int64') return { ...piece, fallible: true };
    coverage.count(piece.kind === 'int' ? 'divergence intRange' : 'divergence finite');
    const macro = piece.kind === 'int' ? 'int_' : 'finite_';
    return translated(piece, (text) => `${macro}(${text})`, true);
  }

  function condition(make: MakeOperand): Piece {
    const choice = random.next();
    if (choice < 0.4) return comparison(make);
    if (choice < 0.6) return junction(make);
    if (choice < 0.68) {
      coverage.count('NOT');
      return joined('bool', LEVEL.not, [word(random, 'NOT '), operand(random, make('bool'), LEVEL.not)]);
    }
    if (choice < 0.78) return test(make);
    return choice < 0.9 ? membership(make) : between(make);
  }

  /** Kinds that compare with each other; int64 with double is a documented difference. */
  function comparable(): readonly [Kind, Kind] {
    const kind = random.pick(KINDS);
    if (kind === 'int' && random.chance(0.5)) return ['int', random.pick(['double', 'int64'] as const)];
    return [kind, NUMBERS.includes(kind) && random.chance(0.3) ? random.pick(NUMBERS) : kind];
  }

  function comparison(make: MakeOperand): Piece {
    const [one, other] = comparable();
    const sign = random.pick(['=', '<>', '!=', '<', '<=', '>', '>=', 'IS DISTINCT FROM', 'IS NOT DISTINCT FROM']);
    coverage.count(`compare ${sign}`, `compare ${one} with ${other}`);
    const level = sign.startsWith('IS') ? LEVEL.is : LEVEL.comparison;
    const left = operand(random, make(one), level + 1);
    const right = operand(
      random,
      random.chance(0.03) && !left.fallible ? atom(other, 'NULL') : make(other),
      LEVEL.comparison + 1,
    );
    return joined('bool', level, [left, ` ${sign} `, right]);
  }

  function junction(make: MakeOperand): Piece {
    const name = random.pick(['AND', 'OR'] as const);
    coverage.count(name);
    const level = name === 'AND' ? LEVEL.and : LEVEL.or;
    const [left, right] = [operand(random, make('bool'), level), operand(random, make('bool'), level + 1)];
    const piece = joined('bool', level, [left, word(random, ` ${name} `), right]);
    if (!right.fallible) return piece;
    coverage.count('divergence shortCircuit');
    const decided = name === 'AND' ? 'FALSE' : 'TRUE';
    return { ...piece, duck: `(CASE WHEN (${left.duck}) IS ${decided} THEN ${decided} ELSE ${piece.duck} END)` };
  }

  function test(make: MakeOperand): Piece {
    const name = random.pick(['NULL', 'NOT NULL', 'TRUE', 'NOT TRUE', 'FALSE', 'NOT FALSE']);
    coverage.count(`IS ${name}`);
    const tested = make(name.endsWith('NULL') ? random.pick(KINDS) : 'bool');
    return joined('bool', LEVEL.is, [operand(random, tested, LEVEL.is + 1), word(random, ` IS ${name}`)]);
  }

  function membership(make: MakeOperand): Piece {
    const [kind, other] = comparable();
    const name = random.pick([' IN (', ' NOT IN (']);
    const constants = random.chance(0.5);
    coverage.count(name.trim().slice(0, -2), constants ? 'IN of literals' : 'IN of columns');
    const members: (string | Piece)[] = [];
    for (let index = random.integer(1, 4); index > 0; index--) {
      if (members.length > 0) members.push(', ');
      if (random.chance(0.08)) members.push('NULL');
      else members.push(constants ? literalOf(random, other, coverage) : simple(other));
    }
    return joined('bool', LEVEL.range, [
      operand(random, make(kind), LEVEL.range + 1),
      word(random, name),
      ...members,
      ')',
    ]);
  }

  function between(make: MakeOperand): Piece {
    const [kind, other] = comparable();
    const name = random.pick([' BETWEEN ', ' NOT BETWEEN ']);
    coverage.count(name.trim());
    // Whether DuckDB sees an error in a bound depends on where the BETWEEN stands.
    const [value, low, high] = [make(kind), simple(other), simple(kind)].map((part) =>
      operand(random, part, LEVEL.range + 1),
    );
    return joined('bool', LEVEL.range, [
      value as Piece,
      word(random, name),
      low as Piece,
      word(random, ' AND '),
      high as Piece,
    ]);
  }

  function conditional(kind: Kind, make: MakeOperand): Piece {
    const outcome = (): Piece => {
      if (random.chance(0.05)) return atom(kind, 'NULL');
      return make(kind === 'double' || kind === 'int64' ? random.pick([kind, kind, 'int'] as const) : kind);
    };
    // One outcome has the type asked for; NULL alone would have none.
    const outcomes = [make(kind), outcome()];
    const [first, second] = random.chance(0.5) ? outcomes : outcomes.toReversed();
    const pick = random.integer(0, 5);
    if (pick <= 1) return caseOf(kind, make, first as Piece, second as Piece, pick === 0);
    if (pick === 2) {
      coverage.count('CASE', 'if');
      return joined(kind, LEVEL.atom, ['if(', make('bool'), ', ', first as Piece, ', ', second as Piece, ')']);
    }
    if (pick === 3) {
      coverage.count('nullif');
      return joined(kind, LEVEL.atom, ['nullif(', make(kind), ', ', make(kind), ')']);
    }
    const name = pick === 4 ? random.pick(['coalesce', 'ifnull']) : random.pick(['least', 'greatest']);
    coverage.count(name);
    return joined(kind, LEVEL.atom, [word(random, name), '(', first as Piece, ', ', second as Piece, ')']);
  }

  function caseOf(kind: Kind, make: MakeOperand, first: Piece, second: Piece, searched: boolean): Piece {
    const parts: (string | Piece)[] = [word(random, 'CASE')];
    const [subject, when] = comparable();
    coverage.count(searched ? 'CASE' : 'CASE of a subject');
    if (!searched) parts.push(' ', operand(random, make(subject), LEVEL.atom));
    const conditionOf = (): Piece => (searched ? make('bool') : make(when));
    parts.push(word(random, ' WHEN '), conditionOf(), word(random, ' THEN '), first);
    if (random.chance(0.4)) parts.push(' WHEN ', conditionOf(), ' THEN ', make(kind));
    if (first.kind !== kind || first.ours === 'NULL' || random.chance(0.8)) parts.push(word(random, ' ELSE '), second);
    return joined(kind, LEVEL.atom, [...parts, word(random, ' END')]);
  }

  return { generate };
}

export const DUCK_TYPES: Readonly<Record<Kind, string>> = {
  int: 'BIGINT',
  int64: 'BIGINT',
  double: 'DOUBLE',
  string: 'VARCHAR',
  bool: 'BOOLEAN',
  timestamp: 'TIMESTAMP',
};
