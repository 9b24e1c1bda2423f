import { expect, test } from 'vitest';
import { lineageOf } from '../../src/definition/lineage.ts';
import { walk } from '../../src/definition/lineage-walk.ts';
import type { Lineage } from '../../src/definition/lineage.ts';
import { EXAMPLE, load } from './support.ts';

/** `from -kind-> to`, sorted, as one would draw it. */
const drawn = ({ edges }: Lineage): string[] =>
  edges.map(({ from, to, kind }) => `${from} -${kind}-> ${to}`).toSorted();

const ORDERS = `
sources:
  - name: orders
    topic: shop.orders
    key: [order_id]
    event_time: at
    event_id: order_id
    fields:
      order_id: string
      at: timestamp
      buyer: string
      seller: string
      state: string
      amount: { type: double, nullable: true, path: after.amount }
      rebate: "double?"
      rate: double
      note: "string?"
    derive:
      net: "amount - COALESCE(rebate, 0)"
      euros: "net * rate"
entities:
  - { name: person, keys: { person: string } }
views:
  - name: bought
    entity: person
    keys: { person: buyer }
    source: orders
    where: "state <> 'draft'"
    features:
      - { name: orders, agg: count, windows: [1h] }
      - { name: spent, agg: sum, of: euros, windows: [1h] }
      - { name: big, agg: count, where: "CASE WHEN rate > 1 THEN amount > 9 ELSE FALSE END", windows: [1h] }
      - { name: lately, agg: last_n, n: 2, of: { who: seller, sum: amount }, windows: [1h] }
services:
  - name: score
    inputs: { friend: string, cap: double }
    features:
      - bought.spent
      - { view: bought, keys: { person: "COALESCE(friend, person)" }, prefix: friend_, features: [orders] }
    derived:
      - { name: share, expr: "spent_1h / cap" }
      - { name: far, expr: "share > 1 AND friend_orders_1h = 0" }
`;

test('the whole graph of a small shop is the one drawn by hand', () => {
  expect(drawn(lineageOf(load(ORDERS)))).toEqual(
    [
      'topic:shop.orders -holds-> source:orders',
      ...['order_id', 'at', 'buyer', 'seller', 'state', 'amount', 'rebate', 'rate', 'note'].map(
        (name) => `source:orders -holds-> field:orders.${name}`,
      ),
      'field:orders.amount -value-> column:orders.net',
      'field:orders.rebate -value-> column:orders.net',
      'column:orders.net -value-> column:orders.euros',
      'field:orders.rate -value-> column:orders.euros',
      'source:orders -events-> view:bought@1',
      'field:orders.at -time-> view:bought@1',
      'field:orders.order_id -filter-> view:bought@1',
      'field:orders.state -filter-> view:bought@1',
      'field:orders.buyer -key-> key:bought@1.person',
      'key:bought@1.person -key-> view:bought@1',
      'view:bought@1 -events-> feature:bought@1.orders_1h',
      'view:bought@1 -events-> feature:bought@1.spent_1h',
      'view:bought@1 -events-> feature:bought@1.big_1h',
      'view:bought@1 -events-> feature:bought@1.lately_1h',
      'column:orders.euros -value-> feature:bought@1.spent_1h',
      'field:orders.rate -filter-> feature:bought@1.big_1h',
      'field:orders.amount -filter-> feature:bought@1.big_1h',
      'field:orders.seller -value-> feature:bought@1.lately_1h',
      'field:orders.amount -value-> feature:bought@1.lately_1h',
      'feature:bought@1.spent_1h -value-> served:score@1.spent_1h',
      'request:score@1.person -key-> served:score@1.spent_1h',
      'request:score@1.as_of -time-> served:score@1.spent_1h',
      'feature:bought@1.orders_1h -value-> served:score@1.friend_orders_1h',
      'request:score@1.person -key-> served:score@1.friend_orders_1h',
      'request:score@1.friend -key-> served:score@1.friend_orders_1h',
      'request:score@1.as_of -time-> served:score@1.friend_orders_1h',
      'served:score@1.spent_1h -value-> derived:score@1.share',
      'request:score@1.cap -value-> derived:score@1.share',
      'derived:score@1.share -value-> derived:score@1.far',
      'served:score@1.friend_orders_1h -value-> derived:score@1.far',
      'served:score@1.spent_1h -holds-> service:score@1',
      'served:score@1.friend_orders_1h -holds-> service:score@1',
      'derived:score@1.share -holds-> service:score@1',
      'derived:score@1.far -holds-> service:score@1',
    ].toSorted(),
  );
});

test('what is upstream of a feature is what it reads, and not what others of its view read', () => {
  const fieldsOf = (text: string, id: string): string[] =>
    [...walk(lineageOf(load(text)), id, 'upstream', 100).nodes.values()]
      .filter(({ kind }) => kind === 'field')
      .map(({ name }) => name)
      .toSorted();
  expect(fieldsOf(ORDERS, 'feature:bought@1.orders_1h')).toEqual(['at', 'buyer', 'order_id', 'state']);
  const spent = ['amount', 'at', 'buyer', 'order_id', 'rate', 'rebate', 'state'];
  expect(fieldsOf(ORDERS, 'feature:bought@1.spent_1h')).toEqual(spent);
  expect(fieldsOf(ORDERS, 'derived:score@1.share')).toEqual(spent);
  expect(fieldsOf(EXAMPLE, 'feature:airport_delay@1.recent')).toEqual([
    'carrier',
    'dep_delay',
    'departed_at',
    'origin',
  ]);
});

test('what is downstream of a field reaches services, within the depth that is asked for', () => {
  const lineage = lineageOf(load(ORDERS));
  const after = (depth: number) => [...walk(lineage, 'field:orders.rebate', 'downstream', depth).nodes.keys()];
  expect(after(1)).toEqual(['field:orders.rebate', 'column:orders.net']);
  expect(after(100).toSorted()).toEqual([
    'column:orders.euros',
    'column:orders.net',
    'derived:score@1.far',
    'derived:score@1.share',
    'feature:bought@1.spent_1h',
    'field:orders.rebate',
    'served:score@1.spent_1h',
    'service:score@1',
  ]);
  expect(walk(lineage, 'field:orders.note', 'downstream', 100).edges).toEqual([]);
  const both = walk(lineage, 'feature:bought@1.big_1h', 'both', 1);
  expect([...both.nodes.keys()].toSorted()).toEqual([
    'feature:bought@1.big_1h',
    'field:orders.amount',
    'field:orders.rate',
    'view:bought@1',
  ]);
});

test('nodes tell type, path, expression, aggregation, and whose they are', () => {
  const { nodes } = lineageOf(load(EXAMPLE));
  expect(nodes.get('field:flights.dep_delay')).toMatchObject({ type: 'double?', detail: 'after.dep_delay' });
  expect(nodes.get('column:flights.hour_of_week')?.detail).toBe("hour_of_week(departed_at, 'America/New_York')");
  expect(nodes.get('feature:airport_delay@1.departures_24h_ago_7d')?.detail).toBe('count, 24h, 7d ago');
  expect(nodes.get('feature:airport_delay@1.recent')?.detail).toBe('last_n, lifetime');
  expect(nodes.get('service:departure_delay@1')?.name).toBe('departure_delay');
});

test('every edge joins two nodes, and nothing comes from itself', () => {
  for (const text of [ORDERS, EXAMPLE]) {
    const lineage = lineageOf(load(text));
    for (const { from, to } of lineage.edges) {
      expect(lineage.nodes.has(from), from).toBe(true);
      expect(lineage.nodes.has(to), to).toBe(true);
    }
    for (const id of lineage.nodes.keys()) {
      const before = walk(lineage, id, 'upstream', 100).nodes;
      const after = walk(lineage, id, 'downstream', 100).nodes;
      expect([...before.keys()].filter((each) => after.has(each))).toEqual([id]);
    }
  }
});
