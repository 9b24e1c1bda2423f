/** What a load test needs and cannot have: exit code 3, with the mend in the message. */
export class CannotRun extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'CannotRun';
  }
}
