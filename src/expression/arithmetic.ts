/**
 * `+ - * / %` and signs. int with int is int, int64 with int or int64 is int64, all else double. Both operands are
 * always evaluated: an error in one is an error, whatever the other is.
 */
import type { Value } from '../core/value.ts';
import type { Evaluator } from './expression.ts';
import { finite, inInt64, safeInt } from './range.ts';
import type { ArithmeticOperator } from './tree.ts';
import {
  anyNullable,
  CheckFault,
  DOUBLE,
  describe,
  INT,
  INT64,
  isNumeric,
  kindOf,
  type Typed,
  typed,
} from './typed.ts';
import { widened } from './typed.ts';

type Combine = (left: Evaluator, right: Evaluator) => Evaluator;

/** Written out one by one, so that each closure holds its own operation and nothing is called to compute it. */
const INT_OPERATIONS: Readonly<Record<Exclude<ArithmeticOperator, '/'>, Combine>> = {
  '+': (left, right) => (row) => {
    const one = left(row) as number | null;
    const other = right(row) as number | null;
    return one === null || other === null ? null : safeInt(one + other);
  },
  '-': (left, right) => (row) => {
    const one = left(row) as number | null;
    const other = right(row) as number | null;
    return one === null || other === null ? null : safeInt(one - other);
  },
  '*': (left, right) => (row) => {
    const one = left(row) as number | null;
    const other = right(row) as number | null;
    return one === null || other === null ? null : safeInt(one * other);
  },
  '%': (left, right) => (row) => {
    const one = left(row) as number | null;
    const other = right(row) as number | null;
    return one === null || other === null || other === 0 ? null : safeInt(one % other);
  },
};

const DOUBLE_OPERATIONS: Readonly<Record<ArithmeticOperator, Combine>> = {
  '+': (left, right) => (row) => {
    const one = left(row) as number | null;
    const other = right(row) as number | null;
    return one === null || other === null ? null : finite(one + other);
  },
  '-': (left, right) => (row) => {
    const one = left(row) as number | null;
    const other = right(row) as number | null;
    return one === null || other === null ? null : finite(one - other);
  },
  '*': (left, right) => (row) => {
    const one = left(row) as number | null;
    const other = right(row) as number | null;
    return one === null || other === null ? null : finite(one * other);
  },
  '/': (left, right) => (row) => {
    const one = left(row) as number | null;
    const other = right(row) as number | null;
    return one === null || other === null || other === 0 ? null : finite(one / other);
  },
  '%': (left, right) => (row) => {
    const one = left(row) as number | null;
    const other = right(row) as number | null;
    return one === null || other === null || other === 0 ? null : finite(one % other);
  },
};

const INT64_OPERATIONS: Readonly<Record<Exclude<ArithmeticOperator, '/'>, (one: bigint, other: bigint) => Value>> = {
  '+': (one, other) => inInt64(one + other),
  '-': (one, other) => inInt64(one - other),
  '*': (one, other) => inInt64(one * other),
  '%': (one, other) => (other === 0n ? null : one % other),
};

export function arithmetic(operator: ArithmeticOperator, left: Typed, right: Typed, start: number): Typed {
  const kinds = [kindOf(left), kindOf(right)];
  const mayBeNull = anyNullable([left, right]);
  if (operator === '-' && kinds.every((kind) => kind === 'timestamp')) {
    return typed(INT, mayBeNull, start, INT_OPERATIONS['-'](left.evaluate, right.evaluate));
  }
  checkNumeric(operator, left, right, start);
  if (operator === '/') return typed(DOUBLE, true, start, DOUBLE_OPERATIONS['/'](left.evaluate, right.evaluate));
  const nullable = mayBeNull || operator === '%';
  if (kinds.includes('int64')) {
    return typed(INT64, nullable, start, inBigInts(INT64_OPERATIONS[operator], left, right));
  }
  if (kinds.includes('double')) {
    return typed(DOUBLE, nullable, start, DOUBLE_OPERATIONS[operator](left.evaluate, right.evaluate));
  }
  return typed(INT, nullable, start, INT_OPERATIONS[operator](left.evaluate, right.evaluate));
}

function inBigInts(apply: (one: bigint, other: bigint) => Value, left: Typed, right: Typed): Evaluator {
  const [first, second] = [widened(left, INT64), widened(right, INT64)];
  return (row) => {
    const one = first(row) as bigint | null;
    const other = second(row) as bigint | null;
    return one === null || other === null ? null : apply(one, other);
  };
}

function checkNumeric(operator: ArithmeticOperator, left: Typed, right: Typed, start: number): void {
  for (const part of [left, right]) {
    const kind = kindOf(part);
    if (isNumeric(kind) || kind === 'null') continue;
    throw new CheckFault(part.start, `${operator} takes numbers`, {
      expected: 'int, int64 or double',
      found: describe(part),
      ...(kind === 'timestamp' ? { suggestion: 'epoch_ms(…), milliseconds as int' } : {}),
      ...(kind === 'string' && operator === '+' ? { suggestion: '||, to join strings' } : {}),
    });
  }
  const kinds = [kindOf(left), kindOf(right)];
  if (kinds.includes('int64') && (kinds.includes('double') || operator === '/')) {
    throw new CheckFault(start, `${operator} gives a double here and would lose digits of the int64`, {
      suggestion: 'CAST the int64 AS double, if its digits do not matter',
    });
  }
}

export function sign(operator: '-' | '+', operand: Typed, start: number): Typed {
  const kind = kindOf(operand);
  if (kind !== 'null' && !isNumeric(kind)) {
    throw new CheckFault(start, `${operator} takes a number`, {
      expected: 'int, int64 or double',
      found: describe(operand),
    });
  }
  if (operator === '+' || kind === 'null') return operand;
  const { type, nullable, evaluate } = operand;
  if (kind === 'int64') {
    return typed(type, nullable, start, (row) => {
      const value = evaluate(row) as bigint | null;
      return value === null ? null : inInt64(-value);
    });
  }
  return typed(type, nullable, start, (row) => {
    const value = evaluate(row) as number | null;
    // Subtracting keeps 0 from becoming −0.
    return value === null ? null : 0 - value;
  });
}
