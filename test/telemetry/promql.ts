/** What a PromQL expression asks for: Prometheus's own grammar, walked. */
import { parser } from '@prometheus-io/lezer-promql';

export interface Selector {
  /** As a sample is named: of a histogram with `_bucket`, `_count` or `_sum`. */
  readonly sample: string;
  readonly labels: readonly string[];
}

export interface Asked {
  readonly selectors: readonly Selector[];
  /** Labels that are grouped by. */
  readonly grouped: readonly string[];
}

/** Throws where the text is no PromQL. Variables of Grafana's are given values first. */
export function askedBy(expression: string): Asked {
  const text = expression.replaceAll('$__rate_interval', '5m').replaceAll(/\$\w+/g, 'any');
  const selectors: { sample: string; labels: string[] }[] = [];
  const grouped: string[] = [];
  const cursor = parser.parse(text).cursor();
  do {
    const found = text.slice(cursor.from, cursor.to);
    if (cursor.type.isError) throw new Error(`not PromQL at ${cursor.from}: ${text}`);
    const parent = cursor.node.parent?.name;
    if (cursor.name === 'Identifier' && parent === 'VectorSelector') selectors.push({ sample: found, labels: [] });
    if (cursor.name !== 'LabelName') continue;
    if (parent === 'GroupingLabels') grouped.push(found);
    else selectors.at(-1)?.labels.push(found);
  } while (cursor.next());
  return { selectors, grouped };
}
