/** Every route × every scope. A route that is not in the table fails the test, as does one in the table that is gone. */
import { expect, test } from 'vitest';
import { formatReceipt, receiptHead } from '../../../src/vector/receipt.ts';
import { NEWEST_MS, ROW } from '../vectors/fixture.ts';
import { keyWith, startGuarded } from './fixture.ts';

const CALLERS = {
  nobody: null,
  reader: ['read:departure_delay'],
  readerOfAll: ['read:*'],
  otherReader: ['read:departure_pay'],
  writer: ['ingest:departures'],
  writerToAll: ['ingest:*'],
  admin: ['admin'],
} as const;
type Caller = keyof typeof CALLERS;
const ALL = Object.keys(CALLERS) as Caller[];

const VECTORS = { entities: [ROW], as_of: NEWEST_MS };
const RECEIPT = formatReceipt({
  head: receiptHead({ name: 'departure_delay', version: 1, fingerprint: 'f' }, null),
  asOfMs: NEWEST_MS,
  entity: '',
  shards: [],
  reads: [],
  values: '[]',
});
const EVENT = { origin: 'JFK', departed_at: NEWEST_MS };

interface Case {
  readonly url: string;
  readonly payload?: object;
  /** Statuses in the order of `CALLERS`. */
  readonly statuses: readonly number[];
}

const open = (url: string): Case => ({ url, statuses: [200, 200, 200, 200, 200, 200, 200] });
const anyKey = (url: string): Case => ({ url, statuses: [401, 200, 200, 200, 200, 200, 200] });

/** By method and pattern, as the router prints it. */
const EXPECTED: Readonly<Record<string, Case>> = {
  'GET /livez': open('/livez'),
  'GET /readyz': open('/readyz'),
  'GET /health': open('/health'),
  'POST /get-online-features': {
    url: '/get-online-features',
    payload: { feature_service: 'departure_delay', entities: { origin: ['JFK'], scheduled_hour: [17] } },
    statuses: [401, 200, 200, 404, 404, 404, 403],
  },
  'POST /push': {
    url: '/push',
    payload: { push_source_name: 'departures', df: { origin: ['JFK'], departed_at: ['2013-01-31T17:00:00Z'] } },
    statuses: [401, 403, 403, 422, 200, 200, 403],
  },
  'POST /write-to-online-store': {
    url: '/write-to-online-store',
    payload: { feature_view_name: 'departures', df: { origin: ['JFK'], departed_at: ['2013-01-31T17:00:00Z'] } },
    statuses: [401, 403, 403, 404, 200, 200, 403],
  },
  'GET /metrics': { url: '/metrics', statuses: [401, 403, 403, 403, 403, 403, 200] },
  'GET /console': open('/console'),
  'GET /console/:file': open('/console/console.js'),
  'GET /openapi.json': anyKey('/openapi.json'),
  'GET /docs': anyKey('/docs'),
  'GET /docs/json': anyKey('/docs/json'),
  'GET /docs/yaml': anyKey('/docs/yaml'),
  'GET /docs/static/index.html': { url: '/docs/static/index.html', statuses: [401, 302, 302, 302, 302, 302, 302] },
  'GET /docs/static/swagger-initializer.js': anyKey('/docs/static/swagger-initializer.js'),
  'GET /docs/static/theme/skewless.css': anyKey('/docs/static/theme/skewless.css'),
  'GET /docs*': anyKey('/docs/static/swagger-ui.css'),
  'GET /v1/feature-services': anyKey('/v1/feature-services'),
  'GET /v1/feature-views': anyKey('/v1/feature-views'),
  'GET /v1/lineage': anyKey('/v1/lineage'),
  'GET /v1/sources': anyKey('/v1/sources'),
  'GET /v1/audits': anyKey('/v1/audits'),
  'GET /v1/feature-services/:service': {
    url: '/v1/feature-services/departure_delay',
    statuses: [401, 200, 200, 404, 404, 404, 200],
  },
  'GET /v1/feature-views/:view': { url: '/v1/feature-views/delays', statuses: [401, 200, 200, 404, 404, 404, 200] },
  'GET /v1/sources/:source': { url: '/v1/sources/departures', statuses: [401, 200, 200, 404, 200, 200, 200] },
  'GET /v1/feature-services/:service/vectors': {
    url: `/v1/feature-services/departure_delay/vectors?origin=JFK&scheduled_hour=17&as_of=${NEWEST_MS}`,
    statuses: [401, 200, 200, 404, 404, 404, 403],
  },
  // By the service that each receipt names.
  'POST /v1/receipts/verify': {
    url: '/v1/receipts/verify',
    payload: { receipts: [RECEIPT] },
    statuses: [401, 200, 200, 404, 404, 404, 403],
  },
  'POST /v1/feature-services/:service/vectors': {
    url: '/v1/feature-services/departure_delay/vectors',
    payload: VECTORS,
    statuses: [401, 200, 200, 404, 404, 404, 403],
  },
  'POST /v1/sources/:source/events': {
    url: '/v1/sources/departures/events',
    payload: { events: [EVENT] },
    statuses: [401, 403, 403, 404, 200, 200, 403],
  },
};

/** `METHOD /pattern` of every route, from the router's own tree; HEAD goes with GET. */
function routesOf(tree: string): string[] {
  const path: string[] = [];
  return tree.split('\n').flatMap((line) => {
    const [, indent = '', part = '', methods] =
      /^((?:│ {3}| {4})*)(?:├──|└──) (\S+)(?: \(([A-Z, ]+)\))?$/.exec(line) ?? [];
    if (part === '' && line !== '') throw new Error(`not understood of the router's tree: ${line}`);
    if (part === '') return [];
    const depth = indent.length / 4;
    path.splice(depth, Number.POSITIVE_INFINITY, part);
    const pattern = path.join('').replace(/(?<=.)\/$/, '');
    return (methods?.split(', ') ?? []).filter((method) => method !== 'HEAD').map((method) => `${method} ${pattern}`);
  });
}

test('every route answers every scope as the table says, and there are no others', async () => {
  const keys = ALL.map((caller) => keyWith(CALLERS[caller] ?? []));
  const { app, call } = await startGuarded(keys.slice(1));
  expect(new Set(routesOf(app.printRoutes({ commonPrefix: false })))).toEqual(new Set(Object.keys(EXPECTED)));
  for (const [route, { url, payload, statuses }] of Object.entries(EXPECTED)) {
    const method = route.split(' ')[0] as 'GET' | 'POST';
    const answered: number[] = [];
    for (const [index, caller] of ALL.entries()) {
      const headers = caller === 'nobody' ? {} : { ...keys[index]?.headers };
      const answer = await call({ method, url, headers, ...(payload === undefined ? {} : { payload }) });
      answered.push(answer.status);
      if (method === 'GET')
        expect((await call({ method: 'HEAD', url, headers })).status, `HEAD ${url}`).toBe(answer.status);
    }
    expect(Object.fromEntries(ALL.map((caller, at) => [caller, answered[at]])), route).toEqual(
      Object.fromEntries(ALL.map((caller, at) => [caller, statuses[at]])),
    );
  }
});

test('what lists show, by scope', async () => {
  const keys = Object.fromEntries(ALL.map((caller) => [caller, keyWith(CALLERS[caller] ?? ['admin'])]));
  const { call } = await startGuarded(Object.values(keys));
  const namesOf = async (caller: Caller, what: string): Promise<string> => {
    const { json } = await call({ url: `/v1/${what}`, headers: { ...keys[caller]?.headers } });
    return json.items.map(({ name }: { name: string }) => name).join(' ');
  };
  const shown: Record<string, readonly string[]> = {};
  for (const caller of ALL.slice(1)) {
    shown[caller] = [
      await namesOf(caller, 'feature-services'),
      await namesOf(caller, 'feature-views'),
      await namesOf(caller, 'sources'),
    ];
  }
  const everything = [
    'departure_bonus departure_delay departure_pay',
    'calm delays earnings winds',
    'departures salaries weather',
  ];
  expect(shown).toEqual({
    reader: ['departure_delay', 'delays winds', 'departures weather'],
    readerOfAll: everything,
    otherReader: ['departure_pay', 'earnings', 'salaries'],
    writer: ['', '', 'departures'],
    writerToAll: ['', '', 'departures salaries weather'],
    admin: everything,
  });
});

test('the OpenAPI document says of every operation what the table says', async () => {
  const { app } = await startGuarded([]);
  const { paths } = app.swagger() as unknown as {
    paths: Record<string, Record<string, { security: Record<string, string[]>[]; responses: object }>>;
  };
  const documented = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const route = `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`;
      return [route, operation] as const;
    }),
  );
  expect(documented.length).toBeGreaterThanOrEqual(11);
  for (const [route, { security, responses }] of documented) {
    const expected = EXPECTED[route];
    expect(expected, route).toBeDefined();
    const statuses = new Set(expected?.statuses);
    const isOpen = !statuses.has(401);
    expect(security, route).toHaveLength(isOpen ? 0 : 1);
    for (const status of [...statuses, ...(isOpen ? [] : [429])])
      expect(responses, route).toHaveProperty(String(status));
    if (!statuses.has(403)) expect(responses, route).not.toHaveProperty('403');
  }
});
