/** What is asked, on its way to folding: rows by entity in a file, and which entities they are of. */
import { EntityRows, createEntityRows } from './entity-rows.ts';
import { type EntityFilter, bucketOf, createEntityHash } from './entity-filter.ts';
import { type RequestRow, writeRequestRow } from './work-rows.ts';

/** Of requests in memory, about. */
const SECTION_BYTES = 16_777_216;

export interface RequestsFile {
  add(lane: number, entity: string, request: RequestRow): void;
  /** Writes those that have come together, if they are many; to be called after a few. */
  settle(): Promise<void>;
  /** Writes the rest. The file is whole and durable once it has its name. */
  write(): Promise<void>;
  /** Whether or not it was written. */
  close(): Promise<void>;
}

/** Fills `wanted`. */
export async function createRequestsFile(path: string, wanted: EntityFilter): Promise<RequestsFile> {
  const file = await createEntityRows(path);
  const hashOf = createEntityHash();
  let section = new EntityRows();

  function addEntity(lane: number, entity: string): number {
    const hash = hashOf(entity);
    wanted.add(lane, hash);
    return section.add(lane, entity, bucketOf(hash));
  }

  async function flush(): Promise<void> {
    await file.append(section);
    section = new EntityRows();
  }

  return {
    add(lane, entity, request) {
      const place = section.find(lane, entity) ?? addEntity(lane, entity);
      writeRequestRow(section.begin(), request);
      section.end(place);
    },
    settle: async () => {
      if (section.bytes >= SECTION_BYTES) await flush();
    },
    async write() {
      await flush();
      await file.write();
    },
    close: () => file.close(),
  };
}
