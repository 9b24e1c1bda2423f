/** The form of notes of owners: where they are in the log, and what a record of them holds. */
export interface PositionNote {
  readonly entityKey: string;
  /** Of the shard. */
  readonly partition: number;
  /** Partition of the source → next offset: everything below was folded, and stored, at `atMs`. */
  readonly position: Readonly<Record<number, number>>;
  readonly atMs: number;
}

export function positionsTopic(namespace: string, source: string): string {
  return `${namespace}.${source}.positions`;
}

export function writeNotes(notes: readonly PositionNote[]): Uint8Array {
  const rows = notes.map(({ entityKey, partition, atMs, position }) => [entityKey, partition, atMs, position]);
  return new TextEncoder().encode(JSON.stringify(rows));
}

/** What is none of ours says nothing. */
export function readNotes(value: Uint8Array): readonly PositionNote[] {
  let rows: unknown;
  try {
    rows = JSON.parse(new TextDecoder().decode(value));
  } catch {
    return [];
  }
  if (!Array.isArray(rows)) return [];
  return rows.flatMap((row: unknown) => {
    const [entityKey, partition, atMs, position] = Array.isArray(row) ? (row as readonly unknown[]) : [];
    const isNote =
      typeof entityKey === 'string' &&
      Number.isSafeInteger(partition) &&
      Number.isSafeInteger(atMs) &&
      typeof position === 'object' &&
      position !== null;
    return isNote
      ? [
          {
            entityKey,
            partition: partition as number,
            atMs: atMs as number,
            position: position as Record<number, number>,
          },
        ]
      : [];
  });
}
