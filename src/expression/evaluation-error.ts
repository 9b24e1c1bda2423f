/** Thrown by a compiled expression where DESIGN says `ERROR`: overflow, a non-finite result, a failed cast. */
import { SkewlessError } from '../core/errors.ts';

export class EvaluationError extends SkewlessError {
  constructor(message: string) {
    super('expression_error', message);
    this.name = 'EvaluationError';
  }
}
