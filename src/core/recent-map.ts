/**
 * A map that forgets what was not asked for lately: two generations of at most `max` entries each. What is found in the older one
 * moves into the younger, and when that is full the older is forgotten. Mostly a look-up is one look-up and nothing else.
 */
export class RecentMap<K, V> {
  private younger = new Map<K, V>();
  private older = new Map<K, V>();
  private readonly max: number;
  private readonly own: (key: K) => K;

  /** `own` makes of a key one that may be kept: a text that was cut out of another one holds on to that. */
  constructor(max: number, own: (key: K) => K = (key) => key) {
    this.max = max;
    this.own = own;
  }

  get(key: K): V | undefined {
    const found = this.younger.get(key);
    if (found !== undefined) return found;
    const old = this.older.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: K, value: V): void {
    if (this.younger.size >= this.max && !this.younger.has(key)) {
      this.older = this.younger;
      this.younger = new Map();
    }
    this.younger.set(this.own(key), value);
  }

  clear(): void {
    this.younger.clear();
    this.older.clear();
  }

  /** All that are remembered; some may come twice. */
  *values(): Generator<V> {
    yield* this.younger.values();
    yield* this.older.values();
  }
}
