/** The port through which serving has receipts checked; the composition root gives what replays. */
import type { Receipt } from '../vector/receipt.ts';

export interface ServedVector {
  readonly receipt: Receipt;
  /** Null: only their digest is known, by the receipt. */
  readonly values: readonly unknown[] | null;
  readonly features: readonly string[] | null;
  readonly statuses: readonly string[] | null;
  readonly issues: Readonly<Record<string, string>> | null;
}

export interface ReceiptVerifier {
  /**
   * A result for each, ready to be answered. It reads a good part of the log, so one call at a time. Rejects with
   * `too_many_events`, with what the log failed with, and with the signal's reason.
   */
  (served: readonly ServedVector[], signal: AbortSignal): Promise<readonly object[]>;
}
