/** Elements from text and nothing else: what the API answers never becomes markup. */

const SVG = 'http://www.w3.org/2000/svg';

function build(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name, value);
    else if (value !== null && value !== undefined && value !== false)
      element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat(2).filter((child) => child !== null && child !== undefined));
  return element;
}

/** `h('a', { href: '#/', click: go }, 'text', otherElement)` */
export function h(tag, attributes = {}, ...children) {
  return build(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
  return build(document.createElementNS(SVG, tag), attributes, children);
}

/** `columns`: `{ name, number?, cell: (row) => child }`. */
export function table(caption, columns, rows) {
  const cellClass = ({ number }) => (number ? 'number' : null);
  const region = { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': caption };
  return h(
    'div',
    region,
    h(
      'table',
      {},
      h('caption', {}, caption),
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          columns.map((column) => h('th', { scope: 'col', class: cellClass(column) }, column.name)),
        ),
      ),
      h(
        'tbody',
        {},
        rows.map((row) =>
          h(
            'tr',
            {},
            columns.map((column) => h('td', { class: cellClass(column) }, column.cell(row))),
          ),
        ),
      ),
    ),
  );
}

/** Pairs whose value is empty are left out. */
export function facts(pairs) {
  const told = pairs.filter(([, value]) => value !== null && value !== undefined && value !== '');
  return h(
    'dl',
    {},
    told.map(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]),
  );
}

export function tags(names) {
  return names.map((name) => h('span', { class: 'tag' }, name));
}

/** A line that says that something is given up; nothing where it is not. */
export function deprecation(deprecated) {
  if (deprecated === null) return null;
  const { on, sunset, use, reason } = deprecated;
  const parts = [`Given up on ${on}`, sunset === null ? '' : `gone from ${sunset}`, use === null ? '' : `use ${use}`];
  return h('p', { class: 'note' }, `${parts.filter((part) => part !== '').join('; ')}. ${reason}`);
}

export function number(value) {
  return value === null || value === undefined ? '–' : value.toLocaleString('en');
}
