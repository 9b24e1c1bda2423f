/** One feature: what it is, how fresh, how it is served, where it comes from, who reads it, what audits found. */
import { get, metric, optional } from './api.js';
import { auditsOf } from './audits.js';
import { deprecation, facts, h, number, table, tags } from './dom.js';
import { drawLineage } from './graph.js';

const encode = encodeURIComponent;
/** What requests of Feast's SDK list by themselves counts as a service of this name. */
const LISTED = '(listed)';

export const FRESHNESS = [
  { name: 'partition', cell: ({ partition }) => String(partition) },
  {
    name: 'state',
    cell: ({ state }) =>
      h('span', { class: state === 'ready' ? 'good' : state === 'unavailable' ? 'bad' : 'warn' }, state),
  },
  { name: 'lag', number: true, cell: ({ lag }) => number(lag) },
  { name: 'watermark', cell: ({ watermark }) => watermark ?? '–' },
  { name: 'caught up', cell: ({ caught_up_at: at }) => at ?? '–' },
  { name: 'complete from', cell: ({ complete_from: at }) => at ?? 'the beginning' },
];

function definition(view, feature) {
  const { window, hop, offset, of, where, aggregation, params } = feature;
  const conditions = [view.where, where].filter((each) => each !== null);
  const how = Object.entries(params)
    .map(([name, value]) => `${name} = ${JSON.stringify(value)}`)
    .join(', ');
  return facts([
    ['type', h('code', {}, feature.type)],
    ['aggregation', how === '' ? aggregation : `${aggregation} (${how})`],
    ['of', of === null ? null : h('code', {}, of)],
    ['where', conditions.length === 0 ? null : conditions.map((each) => h('div', {}, h('code', {}, each)))],
    ['window', offset === null ? window : `${window}, ${offset} ago`],
    ['hop', hop],
    ['default', feature.default === null ? null : JSON.stringify(feature.default)],
    ['max age', view.max_age],
    [
      'entity',
      `${view.entity.name} (${view.entity.keys.map(({ name, column }) => (name === column ? name : `${name} from ${column}`)).join(', ')})`,
    ],
    ['source', h('a', { href: '#/sources' }, view.source)],
    ['owner', feature.owner],
    ['tags', [...view.tags, ...feature.tags].length === 0 ? null : tags([...view.tags, ...feature.tags])],
  ]);
}

/** `names`: what `feature` is called by services that serve it. */
function statusRates(samples, feature, names) {
  if (samples === null)
    return h('p', { class: 'quiet' }, 'Status rates are on /metrics, which this key, or this port, does not show.');
  const rows = names.flatMap(({ service, name }) => {
    const own = samples.filter(({ labels }) => labels.service === service && labels.feature === name);
    const all = own.reduce((sum, { value }) => sum + value, 0);
    return own
      .filter(({ value }) => value > 0)
      .map(({ labels, value }) => ({ service, name, status: labels.status, value, share: value / all }));
  });
  if (rows.length === 0) return h('p', { class: 'quiet' }, 'Nothing was served yet by this process.');
  return table(
    'Values of this feature, since this process started',
    [
      {
        name: 'service',
        cell: ({ service, name }) => (name === feature || service === LISTED ? service : `${service} as ${name}`),
      },
      { name: 'status', cell: ({ status }) => h('code', {}, status) },
      { name: 'values', number: true, cell: ({ value }) => number(value) },
      { name: 'share', number: true, cell: ({ share }) => `${(100 * share).toFixed(1)} %` },
    ],
    rows,
  );
}

function readersTable(services) {
  const rows = services.flatMap(({ name, version, readers }) =>
    readers.map((each) => ({ service: `${name}@${version}`, ...each })),
  );
  if (rows.length === 0)
    return h('p', { class: 'quiet' }, 'Nobody has asked this process yet; who may is in the lineage.');
  return table(
    'Requests since this process started',
    [
      { name: 'reader', cell: ({ reader }) => reader },
      { name: 'service', cell: ({ service }) => h('a', { href: `#/services/${service}` }, service) },
      { name: 'requests', number: true, cell: ({ requests }) => number(requests) },
      { name: 'last', cell: ({ last_read: at }) => at },
    ],
    rows,
  );
}

export async function featurePage(viewId, name) {
  const view = await get(`/v1/feature-views/${encode(viewId)}`);
  const feature = view.features.find((each) => each.name === name);
  if (feature === undefined) throw new Error(`${viewId} has no feature ${name}`);
  const node = `feature:${viewId}.${name}`;
  const [lineage, samples, audits, ...services] = await Promise.all([
    get(`/v1/lineage?node=${encode(node)}`),
    metric('skewless_feature_values_total'),
    optional(() => get('/v1/audits')),
    ...view.services.map((id) => get(`/v1/feature-services/${encode(id)}`)),
  ]);
  const names = services.flatMap((service) =>
    service.features
      .filter((each) => each.view === viewId && each.feature === name)
      .map((each) => ({ service: `${service.name}@${service.version}`, name: each.name })),
  );
  return [
    `${name}`,
    h('p', { class: 'quiet' }, `Feature of view ${viewId}`),
    deprecation(feature.deprecated ?? view.deprecated),
    feature.description === '' ? null : h('p', {}, feature.description),
    h('h2', {}, 'Definition'),
    definition(view, feature),
    h('h2', {}, 'Served'),
    h(
      'p',
      {},
      names.length === 0 ? 'No service serves it.' : names.map((each) => `${each.service}: ${each.name}`).join('; '),
    ),
    statusRates(samples, name, [...names, { service: LISTED, name: `${viewId}:${name}` }]),
    h('h2', {}, 'Freshness'),
    table('By partition', FRESHNESS, view.freshness),
    h('h2', {}, 'Lineage'),
    drawLineage(lineage),
    h('h2', {}, 'Readers'),
    readersTable(services),
    h('h2', {}, 'Audit'),
    auditsOf(audits, (audit, found) =>
      names.some(
        ({ service, name: served }) =>
          served === found.feature && (service === audit.service || service.startsWith(`${audit.service}@`)),
      ),
    ),
  ];
}
