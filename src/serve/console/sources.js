/** Streams, and how far behind each view is. */
import { list } from './api.js';
import { facts, h, number, table, tags } from './dom.js';

function lagOf(freshness) {
  const known = freshness.map(({ lag }) => lag).filter((lag) => lag !== null);
  return known.length === 0 ? null : known.reduce((sum, lag) => sum + lag, 0);
}

function statesOf(freshness) {
  const counts = new Map();
  for (const { state } of freshness) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts].map(([state, count]) =>
    h('div', { class: state === 'ready' ? 'good' : 'warn' }, `${count} ${state}`),
  );
}

const VIEWS = [
  { name: 'view', cell: ({ view }) => view },
  { name: 'shards', cell: ({ freshness }) => statesOf(freshness) },
  { name: 'lag', number: true, cell: ({ freshness }) => number(lagOf(freshness)) },
  {
    name: 'caught up',
    cell: ({ freshness }) =>
      freshness
        .map(({ caught_up_at: at }) => at)
        .filter((at) => at !== null)
        .toSorted()[0] ?? '–',
  },
];

export async function sourcesPage() {
  const sources = await list('/v1/sources');
  return [
    'Sources',
    ...sources.flatMap((source) => [
      h('h2', {}, source.name),
      source.description === '' ? null : h('p', {}, source.description),
      facts([
        ['topic', h('code', {}, source.topic)],
        ['mode', source.envelope === null ? source.mode : `${source.mode}, ${source.envelope}`],
        ['event time', h('code', {}, source.event_time)],
        ['watermark', source.watermark],
        ['dead letters', source.dead_letters === null ? null : number(source.dead_letters)],
        ['owner', source.owner],
        ['tags', source.tags.length === 0 ? null : tags(source.tags)],
      ]),
      table(`How far views have read ${source.name}`, VIEWS, source.views),
    ]),
  ];
}
