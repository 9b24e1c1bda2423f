/** `variance`: the exact sample variance, rounded once; null for fewer than two values. */
import { varianceIfCertain } from './certain-rounding.ts';
import { roundRatio } from './exact-rational.ts';
import { spread } from './spread.ts';

export const variance = spread('variance', varianceIfCertain, roundRatio);
