/** `last`: the value of the newest event by (ts, partition, offset) that has one; null if none has. */
import { edge } from './edge.ts';

export const last = edge('last');
