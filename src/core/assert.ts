/** Assertions that stay on in production: a violated one is a bug of ours, never of the user's input. */
import { SkewlessError } from './errors.ts';

/** Throws `internal` when `condition` does not hold. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new SkewlessError('internal', `assertion failed: ${message}`);
}

/** Ends a `switch` over a union: the compiler proves it unreachable, and it throws if it is reached all the same. */
export function assertNever(value: never): never {
  throw new SkewlessError('internal', `unreachable value: ${JSON.stringify(value)}`);
}
