/** A service, and a vector of it tried by hand, with each number over a range of `as_of`. */
import { get, post } from './api.js';
import { deprecation, facts, h, table, tags } from './dom.js';
import { plot } from './plot.js';

const POINTS = 25;
const HOURS = 24;

function features(service) {
  return table(
    'Features, in the order served',
    [
      {
        name: 'feature',
        cell: ({ name, view, feature }) =>
          view === null ? h('code', {}, name) : h('a', { href: `#/features/${view}/${feature}` }, name),
      },
      { name: 'type', cell: ({ type }) => h('code', {}, type) },
      {
        name: 'from',
        cell: ({ view, feature, expression }) => (view === null ? h('code', {}, expression) : `${view}.${feature}`),
      },
      {
        name: 'description',
        cell: ({ description, deprecated }) => [
          description,
          deprecated === null ? null : h('div', { class: 'warn' }, `Given up on ${deprecated.on}`),
        ],
      },
    ],
    service.features,
  );
}

function field(id, label, type = 'text', more = {}) {
  return h('div', {}, h('label', { for: id }, label), h('input', { id, name: id, type, ...more }));
}

/** As the type wants it; what cannot be read goes as it is, for the server to say what is wrong. */
function parse(type, text) {
  if (text === '') return null;
  const base = type.replace('?', '');
  if (['int', 'double'].includes(base)) return Number.isNaN(Number(text)) ? text : Number(text);
  if (base === 'bool') return text === 'true' ? true : text === 'false' ? false : text;
  if (base.includes('[')) {
    try {
      return JSON.parse(text);
    } catch {
      return text;
    }
  }
  return text;
}

function valuesTable(answer) {
  const [{ values, status, error }] = answer.vectors;
  if (error !== undefined) return h('p', { class: 'bad' }, error.message);
  const rows = answer.features.map((name, index) => ({ name, value: values[index], status: status[index] }));
  return table(
    `As of ${answer.vectors[0].as_of ?? answer.as_of}`,
    [
      { name: 'feature', cell: ({ name }) => h('code', {}, name) },
      { name: 'value', cell: ({ value }) => h('code', {}, JSON.stringify(value)) },
      {
        name: 'status',
        cell: ({ status: told }) =>
          h('span', { class: ['PRESENT', 'NULL_VALUE', 'NOT_FOUND'].includes(told) ? 'quiet' : 'warn' }, told),
      },
    ],
    rows,
  );
}

/** Each number of the vector at instants up to the end, the end among them. */
async function plots(path, entity, endMs, hours) {
  const stepMs = (hours * 3_600_000) / (POINTS - 1);
  const times = Array.from({ length: POINTS }, (_, index) => Math.round(endMs - (POINTS - 1 - index) * stepMs));
  const answers = [];
  for (const ms of times) answers.push(await post(path, { entities: [entity], as_of: ms }));
  const [{ features: names }] = answers;
  return names
    .map((name, index) =>
      plot(
        name,
        answers.map(({ vectors: [vector] }, at) => ({ ms: times[at], value: vector.values?.[index] ?? null })),
      ),
    )
    .filter((drawn) => drawn !== null);
}

function tryForm(service) {
  const id = `${service.name}@${service.version}`;
  const path = `/v1/feature-services/${encodeURIComponent(id)}/vectors`;
  const result = h('div', { 'aria-live': 'polite' });
  const ask = async (event) => {
    event.preventDefault();
    const { elements } = event.target;
    const given = (name) => elements[name].value.trim();
    const row = Object.fromEntries(service.request.map(({ name, type }) => [name, parse(type, given(`in-${name}`))]));
    const asOf = given('as-of');
    result.replaceChildren(h('p', {}, 'Asking…'));
    try {
      const answer = await post(path, {
        entities: [row],
        include: ['status'],
        ...(asOf === '' ? {} : { as_of: asOf }),
      });
      result.replaceChildren(valuesTable(answer), h('h3', {}, 'Over time'), h('p', { class: 'quiet' }, 'Asking…'));
      const endMs = Date.parse(answer.vectors[0].as_of ?? answer.as_of);
      const drawn = await plots(path, row, endMs, Number(given('hours')));
      result.lastChild.replaceWith(
        drawn.length === 0
          ? h('p', { class: 'quiet' }, 'No number was served in this range.')
          : h('div', { class: 'plots' }, drawn),
      );
    } catch (error) {
      result.replaceChildren(h('p', { class: 'bad', role: 'alert' }, error.message));
    }
  };
  return [
    h(
      'form',
      { submit: ask },
      service.request.map(({ name, type }) => field(`in-${name}`, `${name} (${type})`)),
      field('as-of', service.as_of === 'required' ? 'as_of (required)' : 'as_of (empty: now)', 'text', {
        placeholder: '2026-01-31T17:00:00Z',
      }),
      field('hours', 'plot, hours back', 'number', { value: HOURS, min: 1, max: 8784, required: true }),
      h('button', { type: 'submit' }, 'Ask'),
    ),
    result,
  ];
}

export async function servicePage(id) {
  const service = await get(`/v1/feature-services/${encodeURIComponent(id)}`);
  return [
    service.name,
    h('p', { class: 'quiet' }, `Feature service, version ${service.version}`),
    deprecation(service.deprecated),
    service.description === '' ? null : h('p', {}, service.description),
    facts([
      ['owner', service.owner],
      ['tags', service.tags.length === 0 ? null : tags(service.tags)],
      ['fingerprint', h('code', {}, service.fingerprint)],
      ['readers', service.readers.map(({ reader, requests }) => `${reader} (${requests})`).join(', ')],
    ]),
    h('h2', {}, 'Try a vector'),
    tryForm(service),
    h('h2', {}, 'Features'),
    features(service),
  ];
}
