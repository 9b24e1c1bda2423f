import { expect, test } from 'vitest';
import { ROW, startAirport } from '../vectors/fixture.ts';
import { keyWith, startGuarded, told } from '../access/fixture.ts';

interface Answered {
  readonly nodes: readonly { readonly id: string; readonly kind: string }[];
  readonly edges: readonly { readonly from: string; readonly to: string; readonly kind: string }[];
}
const ids = (json: unknown): string[] => (json as Answered).nodes.map(({ id }) => id);
const edgesTo = (json: unknown, to: string): string[] =>
  (json as Answered).edges.filter((edge) => edge.to === to).map(({ from, kind }) => `${kind} ${from}`);

test('a feature is told with all that it comes from, and all that comes from it', async () => {
  const { get } = await startAirport();
  const node = 'feature:delays@1.delay_mean_1h';
  const { status, json } = await get(`/v1/lineage?node=${node}&direction=upstream`);
  expect(status).toBe(200);
  expect(json.node).toBe(node);
  expect(ids(json)).toEqual([
    node,
    'field:departures.delay',
    'field:departures.departed_at',
    'field:departures.origin',
    'key:delays@1.origin',
    'source:departures',
    'topic:departures',
    'view:delays@1',
  ]);
  expect(edgesTo(json, node).toSorted()).toEqual(['events view:delays@1', 'value field:departures.delay']);
  const after = await get(`/v1/lineage?node=${node}&direction=downstream&depth=2`);
  expect(ids(after.json)).toEqual([
    'derived:departure_delay@1.delay_ratio',
    node,
    'served:departure_delay@1.delay_mean_1h',
    'service:departure_delay@1',
  ]);
});

test('the whole graph is answered without a node, and grows by who has read', async () => {
  const { get, vectors } = await startAirport();
  const before = (await get('/v1/lineage')).json as Answered;
  expect(before.nodes.length).toBeGreaterThan(20);
  expect(before.nodes.filter(({ kind }) => kind === 'reader')).toEqual([]);
  await vectors('departure_delay', { entities: [ROW] });
  const { json } = await get('/v1/lineage?node=reader:anonymous&direction=upstream');
  expect(edgesTo(json, 'reader:anonymous')).toEqual(['reads service:departure_delay@1']);
  expect(ids(json)).toContain('field:weather.wind');
});

test('an unknown node is 404 with the nearest one of its kind', async () => {
  const { get } = await startAirport();
  const answer = await get('/v1/lineage?node=feature:delays@1.delay_mean_1hh');
  expect(told(answer)).toEqual([404, 'unknown_node']);
  expect(answer.json.errors[0]).toMatchObject({ pointer: '/query/node', suggestion: 'feature:delays@1.delay_mean_1h' });
});

test.each(['direction=sideways', 'depth=0', 'depth=101', 'nod=x'])('%s is refused', async (query) => {
  const { get } = await startAirport({ materialize: false });
  expect((await get(`/v1/lineage?${query}`)).status).toBe(400);
});

test('a key sees what its services read, and itself alone among the readers; admin sees all', async () => {
  const reader = keyWith(['read:departure_bonus'], { name: 'bonus model' });
  const other = keyWith(['read:*'], { name: 'curious' });
  const admin = keyWith(['admin'], { name: 'ops' });
  const { call } = await startGuarded([reader, other, admin]);
  const see = async (headers: { readonly authorization: string }, query = ''): Promise<unknown> =>
    (await call({ method: 'GET', url: `/v1/lineage${query}`, headers })).json;
  const seen = ids(await see(reader.headers));
  expect(seen).toContain('feature:calm@1.calm_24h');
  expect(seen.filter((id) => /salaries|earnings|departure_pay|departure_delay/.test(id))).toEqual([]);
  expect(seen.filter((id) => id.startsWith('reader:'))).toEqual(['reader:bonus model']);
  const hidden = await call({ method: 'GET', url: '/v1/lineage?node=field:salaries.amount', headers: reader.headers });
  expect(told(hidden)).toEqual([404, 'unknown_node']);
  expect(hidden.text).not.toContain('earn');

  await call({
    method: 'POST',
    url: '/v1/feature-services/departure_bonus/vectors',
    headers: reader.headers,
    payload: { entities: [{ origin: 'JFK' }] },
  });
  const all = await see(admin.headers);
  expect(ids(all).filter((id) => id.startsWith('reader:'))).toEqual(['reader:bonus model', 'reader:curious']);
  expect(edgesTo(all, 'reader:bonus model')).toEqual(['reads service:departure_bonus@1']);
  expect(edgesTo(all, 'reader:curious').toSorted()).toEqual([
    'may_read service:departure_bonus@1',
    'may_read service:departure_delay@1',
    'may_read service:departure_pay@1',
  ]);
  expect(edgesTo(all, 'reader:ops')).toEqual([]);
});

test('requests of each reader are counted for the metrics, by name, never by key', async () => {
  const reader = keyWith(['read:*'], { name: 'bonus model' });
  const admin = keyWith(['admin']);
  const { call } = await startGuarded([reader, admin]);
  for (let count = 0; count < 3; count++) {
    await call({
      method: 'GET',
      url: '/v1/feature-services/departure_delay/vectors?origin=JFK&scheduled_hour=1',
      headers: reader.headers,
    });
  }
  const { text } = await call({ method: 'GET', url: '/metrics', headers: admin.headers });
  expect(text).toContain('skewless_reader_requests_total{reader="bonus model",service="departure_delay@1"} 3');
  expect(text).not.toContain(reader.key.id);
});
