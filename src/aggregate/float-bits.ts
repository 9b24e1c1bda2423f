/** The bits of a double: its significand and exponent taken apart and put together exactly, without `Math.pow` or `Math.log`. */

const SCRATCH = new DataView(new ArrayBuffer(8));
const TWO_32 = 4_294_967_296;

/** Exponent of the lowest bit of the smallest double. */
export const LOWEST_EXPONENT = -1074;

/** A finite double as `significand × 2^exponent`, the significand a non-negative safe integer; the sign is left out. */
export function significandOf(x: number): number {
  SCRATCH.setFloat64(0, x);
  const high = SCRATCH.getUint32(0);
  const fraction = (high & 0xfffff) * TWO_32 + SCRATCH.getUint32(4);
  return (high & 0x7ff00000) === 0 ? fraction : fraction + 0x100000 * TWO_32;
}

/** The exponent that goes with `significandOf(x)`. */
export function exponentOf(x: number): number {
  SCRATCH.setFloat64(0, x);
  const biased = (SCRATCH.getUint32(0) >>> 20) & 0x7ff;
  return biased === 0 ? LOWEST_EXPONENT : biased - 1075;
}

/** 2^exponent for −1074 ≤ exponent ≤ 1023. */
export function powerOfTwo(exponent: number): number {
  SCRATCH.setUint32(4, 0);
  if (exponent >= -1022) {
    SCRATCH.setUint32(0, (exponent + 1023) << 20);
  } else if (exponent >= -1042) {
    SCRATCH.setUint32(0, 1 << (exponent + 1042));
  } else {
    SCRATCH.setUint32(0, 0);
    SCRATCH.setUint32(4, 1 << (exponent + 1074));
  }
  return SCRATCH.getFloat64(0);
}
