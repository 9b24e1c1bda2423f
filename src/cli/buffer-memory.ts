/** How V8 decides when to look through the heap (docs/adr/0018). */
import { setFlagsFromString } from 'node:v8';

/** Others count so already, or do not know the flag and say so. */
const NODE = '24.';

/**
 * Buffers count towards the limit of the heap from here on. Otherwise the whole heap is looked through each time that 64 MB of them
 * were made, however soon they were gone: https://github.com/nodejs/node/issues/61967.
 */
export function countBuffersAsHeap(): void {
  if (process.versions.node.startsWith(NODE)) setFlagsFromString('--external-memory-accounted-in-global-limit');
}
