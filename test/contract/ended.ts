/** Heads of text, for stores that look at nothing of a head but the checksum it ends in. */

/** Every head and every append ends in it. */
const END = '\0end';

export const END_CHECKSUM = Buffer.from(END).readUInt32LE();

export function endedBytes(text: string): Uint8Array {
  return Buffer.from(text + END);
}

/** All that was put before ends. */
export function textOf(head: Uint8Array): string {
  return Buffer.from(head).toString().replaceAll(END, '');
}
