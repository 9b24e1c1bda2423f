/** The program's own REST API. A key is kept for as long as the tab is open, and sent to nowhere but here. */

const KEY = 'skewless-key';
const PAGE = 200;

export class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export const key = {
  get: () => sessionStorage.getItem(KEY),
  set: (text) => sessionStorage.setItem(KEY, text),
  forget: () => sessionStorage.removeItem(KEY),
};

async function send(path, options = {}) {
  const text = key.get();
  const headers = { ...options.headers, ...(text === null ? {} : { authorization: `Bearer ${text}` }) };
  const response = await fetch(path, { ...options, headers });
  if (response.ok) return response;
  const problem = await response.json().catch(() => null);
  const told = problem?.errors?.map(({ message }) => message).join('; ');
  throw new Refused(response.status, told || problem?.detail || `the server answered ${response.status}`);
}

export async function get(path) {
  return (await send(path)).json();
}

export async function post(path, body) {
  const headers = { 'content-type': 'application/json' };
  return (await send(path, { method: 'POST', headers, body: JSON.stringify(body) })).json();
}

/** All pages of a list. */
export async function list(path) {
  const items = [];
  let token = null;
  do {
    const more = token === null ? '' : `&page_token=${encodeURIComponent(token)}`;
    const page = await get(`${path}?limit=${PAGE}${more}`);
    items.push(...page.items);
    token = page.next_page_token;
  } while (token !== null);
  return items;
}

/** Null where there is none now, or it is not for this key. */
export async function optional(ask) {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof Refused && [403, 404, 405, 503].includes(error.status)) return null;
    throw error;
  }
}

/** Samples of a metric, as Prometheus reads them: `[{ labels, value }]`. */
export async function metric(name) {
  const text = await optional(async () => (await send('/metrics')).text());
  if (text === null) return null;
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`))
    .map((line) => {
      const labels = Object.fromEntries(
        [...line.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label, value]) => [label, value]),
      );
      return { labels, value: Number(line.slice(line.lastIndexOf(' ') + 1)) };
    });
}
