/**
 * The text of a key, `skw_<id>_<secret>`, and its digest. The id is no secret: it finds the key in a list or a log line,
 * and it is what a rate limit counts by. The prefix is for scanners that look for credentials in code.
 */
import { hash, randomBytes } from 'node:crypto';

const ID_BYTES = 6;
const SECRET_BYTES = 32;
const KEY = /^skw_([0-9a-f]{12})_[A-Za-z0-9_-]{43}$/;
export const KEY_ID = /^[0-9a-f]{12}$/;
/** Hexadecimal digits of a SHA-256. */
export const SHA256_LENGTH = 64;

export interface NewKey {
  readonly id: string;
  /** Shown to its owner once, and kept by nobody else. */
  readonly text: string;
}

export function createKey(): NewKey {
  const id = randomBytes(ID_BYTES).toString('hex');
  return { id, text: `skw_${id}_${randomBytes(SECRET_BYTES).toString('base64url')}` };
}

/** Null: the text has not the form of a key. */
export function keyIdOf(text: string): string | null {
  return KEY.exec(text)?.[1] ?? null;
}

/**
 * What is kept of a key: one plain SHA-256, in hexadecimal digits (Node makes these in half the time of a buffer). Slow hashes (scrypt, Argon2) and salts are for passwords, which can be
 * guessed; 256 random bits cannot, however fast the hash. A slow one would only let anybody keep this server busy with
 * wrong keys.
 */
export function sha256Of(text: string): string {
  return hash('sha256', text, 'hex');
}
