/**
 * kafkajs 2.2.4 looks through the queue of each connection every millisecond for as long as the connection is open, though nothing
 * waits there (tulios/kafkajs#1704), and asks for that with negative time-outs, of which Node 24 warns (#1751). Whoever
 * puts something into a queue has it looked through as well, so that it need not be done while it is empty.
 */
import { createRequire } from 'node:module';

interface RequestQueue {
  readonly pending: readonly unknown[];
  scheduleCheckPendingRequests(): void;
}

const { prototype } = createRequire(import.meta.url)('kafkajs/src/network/requestQueue/index.js') as {
  readonly prototype: RequestQueue;
};
const look = prototype.scheduleCheckPendingRequests;

/** For all connections of the process. */
export function restRequestQueues(): void {
  prototype.scheduleCheckPendingRequests = function lookIfAnyWaits(this: RequestQueue): void {
    if (this.pending.length > 0) look.call(this);
  };
}
