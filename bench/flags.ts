/** Values of benchmarks' flags. */
export function positive(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} is ${text}, not a positive integer`);
  return value;
}

/** Some of `parts`, joined with commas. */
export function chosenOf<Part extends string>(parts: readonly Part[], only: string): ReadonlySet<Part> {
  const names = only.split(',');
  const unknown = names.find((name) => !parts.some((part) => part === name));
  if (unknown !== undefined) throw new Error(`--only has "${unknown}"; there are ${parts.join(', ')}`);
  return new Set(parts.filter((part) => names.includes(part)));
}
