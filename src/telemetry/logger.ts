/** The program's log: one JSON object a line on standard error, so that standard output stays for what a command answers. */
import { destination, pino, type Logger } from 'pino';

export type { Logger };

/** Header and query values that may carry credentials are never written. */
const REDACTED = ['req.headers.authorization', 'authorization', 'token'];

export function createLogger(level: string): Logger {
  return pino(
    { level, base: null, redact: REDACTED, timestamp: pino.stdTimeFunctions.isoTime },
    destination({ fd: 2, sync: true }),
  );
}
