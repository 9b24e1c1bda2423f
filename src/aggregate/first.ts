/** `first`: the value of the earliest event by (ts, partition, offset) that has one; null if none has. */
import { edge } from './edge.ts';

export const first = edge('first');
