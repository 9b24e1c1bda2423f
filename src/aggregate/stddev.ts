/** `stddev`: the root of the exact sample variance, rounded once; null for fewer than two values. */
import { stddevIfCertain } from './certain-rounding.ts';
import { roundRootOfRatio } from './exact-rational.ts';
import { spread } from './spread.ts';

export const stddev = spread('stddev', stddevIfCertain, roundRootOfRatio);
