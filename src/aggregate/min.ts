/** `min`: the least value; null over none. Strings by UTF-8 bytes, `false` before `true`. */
import { extremum } from './extremum.ts';

export const min = extremum('min', -1);
