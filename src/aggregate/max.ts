/** `max`: the greatest value; null over none. Strings by UTF-8 bytes, `true` after `false`. */
import { extremum } from './extremum.ts';

export const max = extremum('max', 1);
