/**
 * A Kafka of the test's own that asks who is there: beside the plain listener, one each for TLS, for TLS with a
 * certificate of the client, and for logins over TLS. Its authorizer lets in all but `STRANGER`, who may log in and do nothing.
 */
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Certificates, makeCertificates } from './certificates.ts';
import { freePorts } from './child.ts';
import { startOwnKafka } from './kafka.ts';

export interface SecureKafka {
  /** Brokers by listener. */
  readonly tls: readonly string[];
  readonly mutualTls: readonly string[];
  /** PLAIN, SCRAM and OAUTHBEARER. */
  readonly login: readonly string[];
  readonly certificates: Certificates;
  /** A file with a token that OAUTHBEARER takes. */
  readonly tokenFile: string;
  stop(): Promise<void>;
}

export const FRIEND = { username: 'friend', password: 'p@ss word' };
export const STRANGER = { username: 'stranger', password: 'secret' };
const LISTENERS = { TLS: 'SSL', MUTUAL: 'SSL', LOGIN: 'SASL_SSL' };
const MODULES = 'org.apache.kafka.common.security';

export async function startSecureKafka(): Promise<SecureKafka> {
  const certificates = makeCertificates();
  const ports = await freePorts(Object.keys(LISTENERS).length);
  const addresses = Object.keys(LISTENERS).map((name, index) => `${name}://localhost:${ports[index]}`);
  const listeners = {
    listeners: addresses.join(','),
    'advertised.listeners': addresses.join(','),
    'listener.security.protocol.map': Object.entries(LISTENERS)
      .map(([name, protocol]) => `${name}:${protocol}`)
      .join(','),
  };
  const scram = ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
    '--add-scram',
    `${mechanism}=[name="${FRIEND.username}",password="${FRIEND.password}"]`,
  ]);
  const properties = { ...listeners, ...tlsProperties(certificates), ...loginProperties(), ...RIGHTS };
  const kafka = await startOwnKafka(properties, scram);
  const [tls, mutualTls, login] = ports.map((port) => [`localhost:${port}`]) as [string[], string[], string[]];
  return {
    tls,
    mutualTls,
    login,
    certificates,
    tokenFile: writeToken(dirname(certificates.caFile)),
    async stop() {
      await kafka.stop();
      certificates.remove();
    },
  };
}

const RIGHTS = {
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'super.users': `User:ANONYMOUS;User:CN=localhost;User:${FRIEND.username}`,
};

function tlsProperties({ caFile, certFile, cert, key }: Certificates): Record<string, string> {
  const keyStore = join(dirname(certFile), 'kafka.pem');
  writeFileSync(keyStore, key + cert);
  return {
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': keyStore,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': caFile,
    'listener.name.mutual.ssl.client.auth': 'required',
  };
}

function loginProperties(): Record<string, string> {
  const users = [FRIEND, STRANGER].map(({ username, password }) => `user_${username}="${password}"`).join(' ');
  const modules = {
    plain: `${MODULES}.plain.PlainLoginModule required ${users};`,
    'scram-sha-256': `${MODULES}.scram.ScramLoginModule required;`,
    'scram-sha-512': `${MODULES}.scram.ScramLoginModule required;`,
    oauthbearer: `${MODULES}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`,
  };
  const configs = Object.entries(modules).map(([mechanism, module]) => [
    `listener.name.login.${mechanism}.sasl.jaas.config`,
    module,
  ]);
  return {
    ...Object.fromEntries(configs),
    'listener.name.login.sasl.enabled.mechanisms': Object.keys(modules).join(',').toUpperCase(),
  };
}

/** Unsigned, which Kafka takes where nothing else is configured. */
function writeToken(folder: string): string {
  const nowS = Math.floor(Date.now() / 1_000);
  const parts = [{ alg: 'none' }, { sub: FRIEND.username, iat: nowS - 60, exp: nowS + 3_600 }];
  const token = `${parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.`;
  const file = join(folder, 'token');
  writeFileSync(file, `${token}\n`);
  return file;
}
