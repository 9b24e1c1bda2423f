/**
 * Definitions as they were written, kept so that a receipt of theirs can still be checked when they have changed: all files
 * of a folder, with the fingerprints of the services that they make.
 */
import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { Definitions } from './definition.ts';
import type { DefinitionFile } from './parse.ts';

export interface Bundle {
  /** Id of the service → its fingerprint, by the engine that ran then. */
  readonly services: Readonly<Record<string, string>>;
  readonly files: readonly DefinitionFile[];
}

const FORMAT = 1;
/** Unpacked; more is none of ours. */
const BUNDLE_BYTES_MAX = 268_435_456;

/** `id`: the same for the same files of the same services. */
export function packBundle(
  files: readonly DefinitionFile[],
  { services }: Definitions,
): { readonly id: string; readonly bytes: Uint8Array } {
  const fingerprints = Object.fromEntries([...services].map(([id, { fingerprint }]) => [id, fingerprint]));
  const json = JSON.stringify({ format: FORMAT, services: fingerprints, files });
  return { id: createHash('sha256').update(json).digest('hex'), bytes: gzipSync(json) };
}

/** Null: not a bundle, or one of a later version. */
export function unpackBundle(bytes: Uint8Array): Bundle | null {
  try {
    const json = JSON.parse(gunzipSync(bytes, { maxOutputLength: BUNDLE_BYTES_MAX }).toString('utf8')) as Bundle & {
      readonly format: unknown;
    };
    return json.format === FORMAT ? { services: json.services, files: json.files } : null;
  } catch {
    return null;
  }
}
