/** A source with a field of every kind that files carry, and ways to make files of it. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AGGREGATIONS } from '../../src/aggregate/table.ts';
import type { SourceDefinition } from '../../src/definition/definition.ts';
import { loadDefinitions } from '../../src/definition/load.ts';
import { type FileRecord, readFileRecords } from '../../src/log/file.ts';

const TEXT = `
sources:
  - name: orders
    key: [id]
    event_time: at
    fields:
      id: string
      at: timestamp
      amount: double?
      items: "int?"
      account: "int64?"
      paid: "bool?"
      note: "string?"
      city: { type: string, nullable: true, path: address.city }
      tags: "string[]?"
`;

export function ordersSource(): SourceDefinition {
  const loaded = loadDefinitions([{ path: 'orders.yaml', text: TEXT }], AGGREGATIONS);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems, null, 2));
  return loaded.definitions.sources.get('orders') as SourceDefinition;
}

export function temporaryDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'skewless-file-'));
}

/** Everything that `readFileRecords` gives. */
export async function allRecords(path: string, source: SourceDefinition): Promise<FileRecord[]> {
  const records: FileRecord[] = [];
  for await (const record of readFileRecords(path, source)) records.push(record);
  return records;
}

/** The records' JSON, or what is wrong with them. */
export function jsonOf(records: readonly FileRecord[]): unknown[] {
  return records.map(({ content }) => (content.ok ? content.json : content.message));
}
