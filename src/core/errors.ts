/** The one base class of faults. Expected outcomes are values (STYLE rule 9); these are for what should not happen. */

export interface SkewlessErrorOptions {
  /** Whether the same call may succeed later without anybody changing anything. */
  readonly retryable?: boolean;
  readonly cause?: unknown;
}

export class SkewlessError extends Error {
  /** snake_case, stable: mapped to HTTP statuses and exit codes in one place each. */
  readonly code: string;
  readonly retryable: boolean;

  constructor(code: string, message: string, options: SkewlessErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'SkewlessError';
    this.code = code;
    this.retryable = options.retryable ?? false;
  }
}

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
