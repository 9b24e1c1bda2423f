/** The lineage of one node, drawn from left to right. */
import { h, svg, table } from './dom.js';

const WIDTH = 176;
const HEIGHT = 40;
const GAP = { x: 48, y: 14 };
const LETTERS = 24;

/** Node id → how many edges are before it, on the longest way. */
function layersOf(nodes, edges) {
  const layers = new Map(nodes.map(({ id }) => [id, 0]));
  for (let again = true; again; ) {
    again = false;
    for (const { from, to } of edges) {
      if (layers.get(to) > layers.get(from)) continue;
      layers.set(to, layers.get(from) + 1);
      again = true;
    }
  }
  return layers;
}

function placesOf(nodes, edges) {
  const layers = layersOf(nodes, edges);
  const columns = Map.groupBy(nodes, ({ id }) => layers.get(id));
  const rows = Math.max(...[...columns.values()].map((column) => column.length));
  const places = new Map();
  for (const [layer, column] of columns) {
    // In the middle, so that a long edge passes beside what stands alone.
    const first = (rows - column.length) / 2;
    for (const [row, { id }] of column.entries()) {
      places.set(id, { x: 8 + layer * (WIDTH + GAP.x), y: 8 + (first + row) * (HEIGHT + GAP.y) });
    }
  }
  const width = 16 + Math.max(...layers.values()) * (WIDTH + GAP.x) + WIDTH;
  return { places, width, height: 8 + rows * (HEIGHT + GAP.y) };
}

function linkOf({ kind, id, name }) {
  const place = id.slice(id.indexOf(':') + 1);
  if (kind === 'feature') return `#/features/${place.slice(0, place.lastIndexOf('.'))}/${name}`;
  if (kind === 'service') return `#/services/${place}`;
  return kind === 'source' ? '#/sources' : null;
}

function boxOf(node, { x, y }, here) {
  const shorten = (text) => (text.length > LETTERS ? `${text.slice(0, LETTERS - 1)}…` : text);
  const href = linkOf(node);
  const content = [
    svg('title', {}, [node.id, node.type, node.detail].filter((text) => text !== null).join('\n')),
    svg('rect', { class: 'box', x, y, width: WIDTH, height: HEIGHT, rx: 4 }),
    svg('text', { class: 'quiet', x: x + 8, y: y + 15 }, node.kind),
    svg('text', { class: 'name', x: x + 8, y: y + 31 }, shorten(node.name)),
  ];
  const group = svg('g', { class: node.id === here ? 'here' : null }, content);
  return href === null || node.id === here ? group : svg('a', { href }, group);
}

function edgeOf({ from, to }, places) {
  const [start, end] = [places.get(from), places.get(to)];
  const [x1, y1, x2, y2] = [start.x + WIDTH, start.y + HEIGHT / 2, end.x, end.y + HEIGHT / 2];
  const bend = (x2 - x1) / 2;
  return svg('path', { class: 'edge', d: `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}` });
}

export function drawLineage({ node, nodes, edges }) {
  const { places, width, height } = placesOf(nodes, edges);
  const drawing = svg(
    'svg',
    {
      width,
      height,
      viewBox: `0 0 ${width} ${height}`,
      role: 'group',
      'aria-label': 'Lineage, from left to right; the table below says the same',
    },
    edges.map((edge) => edgeOf(edge, places)),
    nodes.map((each) => boxOf(each, places.get(each.id), node)),
  );
  const columns = [
    { name: 'from', cell: ({ from }) => h('code', {}, from) },
    { name: 'how', cell: ({ kind }) => kind },
    { name: 'to', cell: ({ to }) => h('code', {}, to) },
  ];
  const region = h('div', { class: 'scroll lineage', tabindex: '0', role: 'region', 'aria-label': 'Lineage' }, drawing);
  // Once it has a width: the node itself comes into view.
  const sized = new ResizeObserver(() => {
    region.scrollLeft = (places.get(node)?.x ?? 0) + WIDTH / 2 - region.clientWidth / 2;
  });
  sized.observe(region);
  return [region, h('details', {}, h('summary', {}, 'As a table'), table('Edges of the lineage', columns, edges))];
}
