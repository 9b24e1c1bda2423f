/** How the Kafka adapter proves who it is and knows whom it talks to. Secrets stay in here: no error repeats them. */
import { readFileSync } from 'node:fs';
import type { KafkaConfig, SASLOptions } from 'kafkajs';

export const SASL_MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer'] as const;
export type SaslMechanism = (typeof SASL_MECHANISMS)[number];

/** PEM texts. Null for `ca`: the system's authorities. */
export interface KafkaTls {
  readonly ca: string | null;
  /** Both for mTLS, or neither. */
  readonly cert: string | null;
  readonly key: string | null;
}

export type KafkaSasl =
  | {
      readonly mechanism: Exclude<SaslMechanism, 'oauthbearer'>;
      readonly username: string;
      readonly password: string;
    }
  /** The token is read again each time one is needed, so that whoever renews it need tell nobody. */
  | { readonly mechanism: 'oauthbearer'; readonly tokenFile: string };

export interface KafkaSecurity {
  /** Null: no encryption. */
  readonly tls: KafkaTls | null;
  readonly sasl: KafkaSasl | null;
}

/** What kafkajs takes for it. */
export function securityConfig({ tls, sasl }: KafkaSecurity): Pick<KafkaConfig, 'ssl' | 'sasl'> {
  const config: Pick<KafkaConfig, 'ssl' | 'sasl'> = {};
  if (tls !== null) {
    const { ca, cert, key } = tls;
    config.ssl = { ...(ca === null ? {} : { ca }), ...(cert === null || key === null ? {} : { cert, key }) };
  }
  if (sasl !== null) config.sasl = saslOptions(sasl);
  return config;
}

function saslOptions(sasl: KafkaSasl): SASLOptions {
  if (sasl.mechanism !== 'oauthbearer') return sasl;
  const { tokenFile } = sasl;
  return {
    mechanism: 'oauthbearer',
    oauthBearerProvider: () => Promise.resolve({ value: readFileSync(tokenFile, 'utf8').trim() }),
  };
}
