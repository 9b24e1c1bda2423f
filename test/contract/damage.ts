/** Ways in which bytes of a file go wrong. */
import type { Random } from './random.ts';

/** A copy with one bit flipped (mostly), a stretch overwritten, moved or zeroed, or the end cut off. */
export function damage(bytes: Buffer, random: Random): Buffer {
  const harmed = Buffer.from(bytes);
  const at = random.int(bytes.length);
  const stretch = harmed.subarray(at, at + 1 + random.int(600));
  switch (random.int(10)) {
    case 0:
      return harmed.subarray(0, at);
    case 1:
      stretch.fill(0);
      return harmed;
    case 2:
      stretch.fill(random.int(256));
      return harmed;
    case 3:
      bytes.copy(stretch, 0, random.int(bytes.length));
      return harmed;
    default:
      harmed[at] = (harmed[at] as number) ^ (1 << random.int(8));
      return harmed;
  }
}
