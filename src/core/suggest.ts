/** "Did you mean": the nearest known name to a misspelt one. */
import { distance } from 'fastest-levenshtein';

/** The nearest of `names`, or null if none is within 0.4 edits a letter: two letters changed places are two edits. */
export function nearestName(word: string, names: Iterable<string>): string | null {
  const limit = Math.max(1, Math.round(word.length * 0.4));
  let best: string | null = null;
  let bestDistance = limit + 1;
  for (const name of names) {
    const edits = distance(word.toLowerCase(), name.toLowerCase());
    if (edits < bestDistance) {
      best = name;
      bestDistance = edits;
    }
  }
  return best;
}
