/** Which page is shown, by the address after `#`, and the key that it is asked for with. */
import { Refused, key } from './api.js';
import { auditsPage } from './audits.js';
import { catalogPage } from './catalog.js';
import { h } from './dom.js';
import { featurePage } from './feature.js';
import { servicePage } from './service.js';
import { sourcesPage } from './sources.js';

const PAGES = [
  [/^\/?$/, 'catalog', catalogPage],
  [/^\/sources$/, 'sources', sourcesPage],
  [/^\/audits$/, 'audits', auditsPage],
  [/^\/services\/([^/]+)$/, 'catalog', servicePage],
  [/^\/features\/([^/]+)\/([^/]+)$/, 'catalog', featurePage],
];
const main = document.querySelector('#main');
const keyForm = document.querySelector('#key-form');
const forget = document.querySelector('#forget');
/** The page that was asked for last: an older one that comes later is not shown. */
let asked = 0;

function addressed() {
  const path = decodeURIComponent(location.hash.slice(1));
  for (const [pattern, name, make] of PAGES) {
    const match = pattern.exec(path);
    if (match !== null) return { name, make: () => make(...match.slice(1)) };
  }
  return { name: '', make: () => Promise.reject(new Error('There is no such page.')) };
}

async function show(focus) {
  const turn = ++asked;
  const { name, make } = addressed();
  for (const link of document.querySelectorAll('nav a')) {
    if (link.dataset.page === name) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  main.setAttribute('aria-busy', 'true');
  const [title, ...content] = await make().catch(explain);
  if (turn !== asked) return;
  document.title = `${title} – Skewless console`;
  main.replaceChildren(h('h1', {}, title), ...content.flat(2).filter((part) => part !== null));
  main.removeAttribute('aria-busy');
  forget.hidden = key.get() === null;
  if (focus) main.focus();
}

function explain(error) {
  const unknown = error instanceof Refused && error.status === 401;
  keyForm.hidden = !unknown;
  if (unknown)
    return [
      'A key is needed',
      h('p', {}, 'Type an API key above. It is kept until this tab is closed.'),
      h('p', { class: 'quiet' }, error.message),
    ];
  return ['That did not work', h('p', { class: 'bad', role: 'alert' }, error.message)];
}

keyForm.addEventListener('submit', (event) => {
  event.preventDefault();
  const input = keyForm.querySelector('input');
  key.set(input.value.trim());
  input.value = '';
  keyForm.hidden = true;
  void show(true);
});
forget.addEventListener('click', () => {
  key.forget();
  void show(true);
});
document.querySelector('.skip').addEventListener('click', (event) => {
  event.preventDefault();
  main.focus();
});
addEventListener('hashchange', () => void show(true));
void show(false);
