/**
 * The program's log: one JSON object a line on standard error, so that standard output stays for what a command answers.
 * No line names an entity: whoever logs an error logs what it says of itself, never the request, record or command behind it.
 */
import { type DestinationStream, destination, pino, type Logger } from 'pino';

export type { Logger };

/** Header and query values that may carry credentials are never written. */
const REDACTED = ['req.headers.authorization', 'authorization', 'token'];
const CAUSES_MAX = 5;

interface LoggedError {
  readonly type: string;
  readonly code?: string;
  readonly message: string;
  readonly stack?: string;
  readonly cause?: LoggedError;
}

export function createLogger(level: string, stream: DestinationStream = destination({ fd: 2, sync: true })): Logger {
  return pino(
    {
      level,
      base: null,
      redact: REDACTED,
      timestamp: pino.stdTimeFunctions.isoTime,
      serializers: { err: (error: unknown) => loggedError(error, CAUSES_MAX) },
    },
    stream,
  );
}

/** Pino's own writes every property of an error. A client's error may hold the command that failed, and that an entity. */
function loggedError(error: unknown, causesMax: number): LoggedError {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error) };
  const { code } = error as { code?: unknown };
  return {
    type: error.name,
    ...(typeof code === 'string' ? { code } : {}),
    message: error.message,
    ...(error.stack === undefined ? {} : { stack: error.stack }),
    ...(error.cause === undefined || causesMax === 0 ? {} : { cause: loggedError(error.cause, causesMax - 1) }),
  };
}
