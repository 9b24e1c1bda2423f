/** Opens the schema registry that flags name. */
import type { Command } from 'commander';
import { UsageError, parseRegistryUrl } from '../flag-values.ts';
import type { SourceDefinition } from '../definition/definition.ts';
import { needsSchemas, type Schemas } from '../event/schemas.ts';
import type { RegistryLogin } from '../log/schema-registry.ts';
import { readPem } from './connect.ts';

export interface RegistryFlags {
  readonly schemaRegistry?: string;
  readonly schemaRegistryUsername?: string;
  readonly schemaRegistryPassword?: string;
  readonly schemaRegistryToken?: string;
  readonly schemaRegistryCa?: string;
  readonly schemaRegistryCert?: string;
  readonly schemaRegistryKey?: string;
}

export function addRegistryFlags(command: Command): Command {
  return command
    .option('--schema-registry <url>', 'registry of schemas, for sources in Avro: https://host:port', parseRegistryUrl)
    .option('--schema-registry-username <name>', 'of its basic authentication')
    .option('--schema-registry-password <text>', 'better by SKEWLESS_SCHEMA_REGISTRY_PASSWORD_FILE')
    .option(
      '--schema-registry-token <text>',
      'of its bearer authentication; better by SKEWLESS_SCHEMA_REGISTRY_TOKEN_FILE',
    )
    .option('--schema-registry-ca <file>', 'PEM of the authorities that vouch for it; default: those of the system')
    .option('--schema-registry-cert <file>', 'PEM of our certificate, for mTLS')
    .option('--schema-registry-key <file>', 'PEM of its key');
}

/** Null: none is named, and none is needed. Connects to nothing yet. */
export async function openSchemas(sources: Iterable<SourceDefinition>, flags: RegistryFlags): Promise<Schemas | null> {
  const { schemaRegistry: url, schemaRegistryCert: cert, schemaRegistryKey: key } = flags;
  if (url === undefined) {
    const needy = [...sources].filter(needsSchemas).map(({ name }) => name);
    if (needy.length === 0) return null;
    throw new UsageError(
      `records in Avro name their schemas: --schema-registry is missing (sources ${needy.join(', ')})`,
    );
  }
  if ((cert === undefined) !== (key === undefined)) {
    throw new UsageError('--schema-registry-cert and --schema-registry-key go together: one is missing');
  }
  const tls = { ca: readPem(flags.schemaRegistryCa), cert: readPem(cert), key: readPem(key) };
  const { openSchemaRegistry } = await import('../log/schema-registry.ts');
  return openSchemaRegistry({ url, login: loginOf(flags), tls });
}

function loginOf(flags: RegistryFlags): RegistryLogin | null {
  const { schemaRegistryUsername: username, schemaRegistryPassword: password, schemaRegistryToken: token } = flags;
  if (token !== undefined) {
    if (username === undefined && password === undefined) return { kind: 'bearer', token };
    throw new UsageError('--schema-registry-token, or username and password: it can be one of them');
  }
  if (username === undefined && password === undefined) return null;
  if (username === undefined || password === undefined) {
    throw new UsageError('--schema-registry-username and --schema-registry-password go together: one is missing');
  }
  return { kind: 'basic', username, password };
}
