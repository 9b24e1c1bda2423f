/** What errors of ioredis and replies of Redis mean to us. */
import { SkewlessError, messageOf } from '../core/errors.ts';

/** Replies of Redis that another attempt may not get. */
const PASSING =
  /^(LOADING|CLUSTERDOWN|TRYAGAIN|MASTERDOWN|READONLY|BUSY|NOREPLICAS|MISCONF|MOVED|ASK|UNBLOCKED|NOSCRIPT)\b/;

/**
 * What was thrown, as one of ours: retryable unless waiting cannot mend it. `lastFault`: what the connection last met; it
 * says more than "closed". `context` goes before it.
 */
export function redisFault(thrown: unknown, lastFault: unknown, context = ''): SkewlessError {
  if (thrown instanceof SkewlessError) return thrown;
  const error = isReply(thrown) || isTimeout(thrown) || lastFault === null ? thrown : lastFault;
  const text = messageOf(error);
  const says = (code: string, message: string, retryable = false): SkewlessError =>
    new SkewlessError(code, message, { retryable, cause: error });
  if (/\bOOM\b/.test(text)) {
    return says(
      'store_full',
      'Redis has reached its maxmemory: give it more, or prune fingerprints no longer served',
      true,
    );
  }
  if (/\b(NOAUTH|WRONGPASS)\b/.test(text) || text.includes('invalid username-password')) {
    const hint = /sentinel/i.test(text) ? ' (sentinels that want it too take ?sentinel-login=true)' : '';
    return says('store_login_refused', `Redis refused the login: check user and password of the store${hint}`);
  }
  if (/\bNOPERM\b/.test(text)) return says('store_forbidden', `Redis does not allow it: ${text}`);
  if (isReply(error) && !PASSING.test(text)) return says('store_failed', `Redis: ${text}`);
  return says('store_unavailable', `Redis: ${context}${text}`, true);
}

/** A primary that became a replica: the connection is of no more use. */
export function isFromReplica(error: Error): boolean {
  return error.message.startsWith('READONLY');
}

/** The node asked does not serve the slot, or not all of it, any more. */
export function isRedirection(error: Error): boolean {
  return /^(MOVED|ASK|TRYAGAIN|CLUSTERDOWN)\b/.test(error.message);
}

function isReply(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError';
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.message === 'Command timed out';
}
