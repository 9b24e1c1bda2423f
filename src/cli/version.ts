/** What this program calls itself. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const PACKAGE = readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8');

export const VERSION = (JSON.parse(PACKAGE) as { readonly version: string }).version;
