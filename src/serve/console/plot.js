/** A value over a range of `as_of`, as a line; where it was withheld, the line has a gap. */
import { h, svg } from './dom.js';

const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP] = [300, 130, 8, 22, 18];

const round = (value) => Number(value.toPrecision(4)).toLocaleString('en');

/** `points`: `[{ ms, value }]`, in order; a value that is no number is not drawn. */
export function plot(name, points) {
  const drawn = points.filter(({ value }) => typeof value === 'number');
  if (drawn.length === 0) return null;
  const values = drawn.map(({ value }) => value);
  const [least, greatest] = [Math.min(...values), Math.max(...values)];
  const [first, last] = [points[0].ms, points.at(-1).ms];
  const x = (ms) => LEFT + ((ms - first) / Math.max(1, last - first)) * (WIDTH - 2 * LEFT);
  const y = (value) => HEIGHT - BOTTOM - ((value - least) / (greatest - least || 1)) * (HEIGHT - BOTTOM - TOP - 6);
  let pen = 'M';
  const path = points.map(({ ms, value }) => {
    if (typeof value !== 'number') {
      pen = 'M';
      return '';
    }
    const step = `${pen}${x(ms).toFixed(1)} ${y(value).toFixed(1)}`;
    pen = 'L';
    return step;
  });
  const day = (ms) => new Date(ms).toISOString().slice(5, 16).replace('T', ' ');
  const summary = `${name}: from ${round(values[0])} to ${round(values.at(-1))}, least ${round(least)}, greatest ${round(greatest)}`;
  return h(
    'figure',
    {},
    h('figcaption', {}, h('code', {}, name)),
    svg(
      'svg',
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT, role: 'img', 'aria-label': summary },
      svg('line', { class: 'axis', x1: LEFT, x2: WIDTH - LEFT, y1: HEIGHT - BOTTOM + 4, y2: HEIGHT - BOTTOM + 4 }),
      svg(
        'text',
        { class: 'quiet', x: LEFT, y: 12 },
        least === greatest ? round(least) : `${round(least)} … ${round(greatest)}`,
      ),
      svg('text', { class: 'quiet', x: LEFT, y: HEIGHT - 4 }, day(first)),
      svg('text', { class: 'quiet', x: WIDTH - LEFT, y: HEIGHT - 4, 'text-anchor': 'end' }, day(last)),
      svg('path', { class: 'curve', d: path.join('') }),
      drawn.map(({ ms, value }) =>
        svg('circle', { class: 'dot', cx: x(ms), cy: y(value), r: 2.5 }, svg('title', {}, `${day(ms)}: ${value}`)),
      ),
    ),
  );
}
