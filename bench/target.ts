/** What the product asks of itself, as ratios within one run, so that they mean the same on any machine. */

export interface Target {
  readonly name: string;
  readonly value: number;
  readonly wanted: { readonly at_least: number } | { readonly at_most: number };
  readonly met: boolean;
}

export function atLeast(name: string, value: number, least: number): Target {
  return { name, value, wanted: { at_least: least }, met: value >= least };
}

export function atMost(name: string, value: number, most: number): Target {
  return { name, value, wanted: { at_most: most }, met: value <= most };
}

export function targetLine({ name, value, wanted, met }: Target, nameWidth: number): string {
  const bound = 'at_least' in wanted ? `at least ${wanted.at_least}` : `at most ${wanted.at_most}`;
  return `${name.padEnd(nameWidth)} ${value.toFixed(3)}   ${bound}: ${met ? 'met' : 'NOT MET'}`;
}
