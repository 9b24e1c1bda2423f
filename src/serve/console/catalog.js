/** All that is defined, to be searched. */
import { list } from './api.js';
import { h, tags } from './dom.js';

export const featureLink = (view, feature) => `#/features/${view}/${feature}`;
export const viewId = ({ name, version }) => `${name}@${version}`;

function entriesOf(services, views, sources) {
  return [
    ...services.map((each) => ({
      kind: 'service',
      name: viewId(each),
      href: `#/services/${viewId(each)}`,
      ...textsOf(each),
    })),
    ...views.flatMap((view) =>
      view.features.map((each) => ({
        kind: 'feature',
        name: each.name,
        of: viewId(view),
        href: featureLink(viewId(view), each.name),
        ...textsOf(each),
        tags: [...new Set([...view.tags, ...each.tags])],
      })),
    ),
    ...sources.map((each) => ({ kind: 'source', name: each.name, href: '#/sources', ...textsOf(each) })),
  ];
}

function textsOf({ description, owner, tags: names, deprecated = null }) {
  return { description, owner, tags: names, deprecated };
}

function entryOf({ kind, name, of, href, description, owner, tags: names, deprecated }) {
  const where = [kind, of === undefined ? '' : ` of ${of}`, owner === '' ? '' : `, ${owner}`].join('');
  return h(
    'li',
    {},
    h('h2', {}, h('a', { href }, name), ' ', h('span', { class: 'quiet' }, where)),
    description === '' ? null : h('div', {}, description),
    deprecated === null ? null : h('div', { class: 'warn' }, `Given up on ${deprecated.on}`),
    names.length === 0 ? null : h('div', {}, tags(names)),
  );
}

export async function catalogPage() {
  const [services, views, sources] = await Promise.all(
    ['feature-services', 'feature-views', 'sources'].map((name) => list(`/v1/${name}`)),
  );
  const entries = entriesOf(services, views, sources).map((entry) => ({
    text: [entry.kind, entry.name, entry.of ?? '', entry.description, entry.owner, ...entry.tags]
      .join(' ')
      .toLowerCase(),
    element: entryOf(entry),
  }));
  const found = h('p', { role: 'status', class: 'quiet' });
  const results = h('ul', { class: 'plain' });
  const show = (wanted) => {
    const words = wanted
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => word !== '');
    const shown = entries.filter(({ text }) => words.every((word) => text.includes(word)));
    results.replaceChildren(...shown.map(({ element }) => element));
    found.textContent = `${shown.length} of ${entries.length}`;
  };
  show('');
  const search = h('input', { id: 'search', type: 'search', size: '40', input: (event) => show(event.target.value) });
  return [
    'Catalog',
    h(
      'form',
      { role: 'search', submit: (event) => event.preventDefault() },
      h('div', {}, h('label', { for: 'search' }, 'Search names, descriptions, owners and tags'), search),
    ),
    found,
    results,
  ];
}
