/** What a running process says of itself on `/metrics`: how a test sees that its fault struck. */
import type { Process } from './world.ts';

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** All samples of one metric. */
export async function samplesOf({ url }: Pick<Process, 'url'>, metric: string): Promise<readonly Sample[]> {
  const response = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(20_000) });
  const lines = (await response.text()).split('\n').filter((line) => line.startsWith(`${metric}{`));
  return lines.map((line) => {
    const labels = [...line.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]);
    return { labels: Object.fromEntries(labels) as Record<string, string>, value: Number(line.split('} ').at(-1)) };
  });
}

/** Of those that match `labels`, over all sources, views and partitions. */
export async function sumOfSamples(
  process: Pick<Process, 'url'>,
  metric: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<number> {
  const samples = await samplesOf(process, metric);
  const matching = samples.filter((sample) =>
    Object.entries(labels).every(([name, value]) => sample.labels[name] === value),
  );
  return matching.reduce((sum, { value }) => sum + value, 0);
}

export interface LaneSeen {
  readonly view: string;
  readonly partition: number;
  readonly epoch: number;
}

/** Lanes that the process believes to own. */
export async function lanesOf(process: Pick<Process, 'url'>): Promise<readonly LaneSeen[]> {
  const states = await samplesOf(process, 'skewless_lane_state');
  const epochs = await samplesOf(process, 'skewless_lane_epoch');
  return states
    .filter(({ labels }) => labels['state'] === 'live' || labels['state'] === 'building')
    .map(({ labels: { view = '', partition = '' } }) => {
      const epoch = epochs.find(({ labels }) => labels['view'] === view && labels['partition'] === partition);
      return { view, partition: Number(partition), epoch: epoch?.value ?? 0 };
    });
}

/** Why it waits for the log or the store; null: it does not. */
export async function waitsFor(process: Pick<Process, 'url'>): Promise<string | null> {
  const samples = await samplesOf(process, 'skewless_source_waiting');
  return samples.find(({ value }) => value === 1)?.labels['code'] ?? null;
}

/** Commits that the store refused, and times it was found elsewhere. */
export function refusals(process: Pick<Process, 'url'>): Promise<number> {
  return sumOfSamples(process, 'skewless_commits_refused_total');
}
