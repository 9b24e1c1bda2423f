/** A feature's value as a model takes it, whether it comes from Parquet or from JSON. */
export function toNumber(value: unknown): number | null {
  return value === null || value === undefined ? null : Number(value);
}
