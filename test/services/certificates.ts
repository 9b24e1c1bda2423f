/** An authority of the test's own, and certificates by it for this machine. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isInstalled } from './child.ts';

export interface Certificates {
  /** PEM files. */
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
  /** PEM texts of the same. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  remove(): void;
}

/** What is missing to make certificates here, or null. */
export function whyNoCertificates(): string | null {
  return isInstalled('openssl') ? null : 'there is no openssl (Debian: openssl)';
}

/** For `localhost` and 127.0.0.1; good for servers and clients. */
export function makeCertificates(): Certificates {
  const folder = mkdtempSync(join(tmpdir(), 'skewless-certificates-'));
  const file = (name: string): string => join(folder, name);
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  writeFileSync(file('names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  openssl(
    'req',
    '-x509',
    ...curve,
    '-days',
    '2',
    '-subj',
    '/CN=test authority',
    '-keyout',
    file('ca.key'),
    '-out',
    file('ca.pem'),
  );
  openssl('req', ...curve, '-subj', '/CN=localhost', '-keyout', file('key.pem'), '-out', file('request'));
  const by = ['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial'];
  openssl(
    'x509',
    '-req',
    '-in',
    file('request'),
    ...by,
    '-days',
    '2',
    '-extfile',
    file('names'),
    '-out',
    file('cert.pem'),
  );
  const [caFile, certFile, keyFile] = [file('ca.pem'), file('cert.pem'), file('key.pem')];
  const [ca, cert, key] = [caFile, certFile, keyFile].map((each) => readFileSync(each, 'utf8')) as [
    string,
    string,
    string,
  ];
  return { caFile, certFile, keyFile, ca, cert, key, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

function openssl(...args: string[]): void {
  const { status, stderr } = spawnSync('openssl', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`openssl ${args[0]}: ${stderr}`);
}
