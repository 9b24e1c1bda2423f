/** A small deployment: orders by customer. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const ORDERS = `
sources:
  - name: orders
    key: [customer]
    event_time: at
    clock: watermark
    fields: { customer: string, at: timestamp, amount: double }
entities:
  - { name: customer, keys: { customer: string } }
views:
  - name: spending
    entity: customer
    source: orders
    features:
      - { name: orders, agg: count, windows: [1h] }
      - { name: spent, agg: sum, of: amount, windows: [1h] }
services:
  - name: scoring
    features: [spending.*]
`;

/** Writes the definitions into a folder below `directory`; answers the folder. */
export function writeDefinitions(directory: string, text = ORDERS): string {
  const folder = join(directory, 'features');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'orders.yaml'), text);
  return folder;
}
