/** Opens the log and the store that flags name. Adapters are loaded when they are needed: `--help` waits for none. */
import { readFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import {
  type LogLocation,
  type StoreLocation,
  UsageError,
  parseLogLocation,
  parseStoreLocation,
} from '../flag-values.ts';
import { systemClock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import { type KafkaSasl, type KafkaSecurity, SASL_MECHANISMS, type SaslMechanism } from '../log/kafka-security.ts';
import type { Log } from '../log/log.ts';
import type { Store } from '../store/store.ts';
import type { RegistryFlags } from './connect-registry.ts';

/** The flags that say how to log in and whom to trust; of every command that connects. */
export interface SecurityFlags extends RegistryFlags {
  readonly kafkaTls?: boolean;
  readonly kafkaCa?: string;
  readonly kafkaCert?: string;
  readonly kafkaKey?: string;
  readonly kafkaSasl?: SaslMechanism;
  readonly kafkaUsername?: string;
  readonly kafkaPassword?: string;
  readonly kafkaToken?: string;
  readonly redisCa?: string;
  readonly redisCert?: string;
  readonly redisKey?: string;
}

const LOG_TEXT = 'event log: sqlite:FILE or kafka://host:port,…';
const STORE_TEXT =
  'state store: sqlite:FILE, redis://…, rediss://… (TLS), redis-cluster://host:port,… or redis-sentinel://host:port,…/primary';

/** `note`: what the command does without the flag. */
export function addLogFlags(command: Command, note: string): Command {
  return addKafkaFlags(command.option('--log <location>', `${LOG_TEXT} ${note}`, parseLogLocation));
}

export function addKafkaFlags(command: Command): Command {
  return command
    .option('--kafka-tls', 'talk to Kafka over TLS; implied by the other certificates')
    .option('--kafka-ca <file>', 'PEM of the authorities that vouch for the brokers; default: those of the system')
    .option('--kafka-cert <file>', 'PEM of our certificate, for mTLS')
    .option('--kafka-key <file>', 'PEM of its key')
    .addOption(new Option('--kafka-sasl <mechanism>', 'how to log in to Kafka').choices(SASL_MECHANISMS))
    .option('--kafka-username <name>', 'for plain and scram')
    .option('--kafka-password <text>', 'for plain and scram; better by SKEWLESS_KAFKA_PASSWORD_FILE')
    .option('--kafka-token <file>', 'file with the token for oauthbearer, read again for each login');
}

export function addStoreFlags(command: Command, note: string): Command {
  return command
    .option('--store <location>', `${STORE_TEXT} ${note}`, parseStoreLocation)
    .option('--redis-ca <file>', 'PEM of the authorities that vouch for Redis; default: those of the system')
    .option('--redis-cert <file>', 'PEM of our certificate, for mTLS')
    .option('--redis-key <file>', 'PEM of its key');
}

/** For commands, whose standard output is their answer. */
export function warnOnStderr(message: string): void {
  process.stderr.write(`${message}\n`);
}

export async function openLog(
  location: LogLocation,
  flags: SecurityFlags,
  onWarning: (message: string) => void,
): Promise<Log> {
  if (location.kind === 'sqlite') {
    const { openSqliteLog } = await import('../log/sqlite.ts');
    return openSqliteLog({ file: location.file, clock: systemClock });
  }
  const { openKafkaLog } = await import('../log/kafka.ts');
  return openKafkaLog({
    brokers: location.brokers,
    clientId: 'skewless',
    clock: systemClock,
    security: kafkaSecurity(flags),
    onWarning,
  });
}

export async function openStore(
  location: StoreLocation,
  flags: SecurityFlags,
  namespace: string,
  onWarning: (message: string) => void,
): Promise<Store> {
  if (location.kind === 'sqlite') {
    const { openSqliteStore } = await import('../store/sqlite.ts');
    return openSqliteStore({ file: location.file, namespace });
  }
  const { openRedisStore } = await import('../store/redis.ts');
  return openRedisStore({ location: location.redis, tls: redisTls(flags), namespace, onWarning });
}

function kafkaSecurity(flags: SecurityFlags): KafkaSecurity {
  const { kafkaTls = false, kafkaCa, kafkaCert, kafkaKey } = flags;
  const files = [kafkaCa, kafkaCert, kafkaKey];
  if ((kafkaCert === undefined) !== (kafkaKey === undefined)) {
    throw new UsageError('--kafka-cert and --kafka-key go together: one is missing');
  }
  const tls = kafkaTls || files.some((file) => file !== undefined);
  const [ca, cert, key] = files.map(readPem) as [string | null, string | null, string | null];
  return { tls: tls ? { ca, cert, key } : null, sasl: kafkaSasl(flags) };
}

function kafkaSasl({
  kafkaSasl: mechanism,
  kafkaUsername,
  kafkaPassword,
  kafkaToken,
}: SecurityFlags): KafkaSasl | null {
  if (mechanism === undefined) {
    if (kafkaUsername === undefined && kafkaPassword === undefined && kafkaToken === undefined) return null;
    throw new UsageError(`a login to Kafka needs --kafka-sasl, one of ${SASL_MECHANISMS.join(', ')}`);
  }
  if (mechanism === 'oauthbearer') {
    if (kafkaToken === undefined) throw new UsageError('--kafka-sasl oauthbearer needs --kafka-token, a file');
    return { mechanism, tokenFile: kafkaToken };
  }
  if (kafkaUsername === undefined || kafkaPassword === undefined) {
    throw new UsageError(`--kafka-sasl ${mechanism} needs --kafka-username and --kafka-password`);
  }
  return { mechanism, username: kafkaUsername, password: kafkaPassword };
}

function redisTls({ redisCa, redisCert, redisKey }: SecurityFlags) {
  if ((redisCert === undefined) !== (redisKey === undefined)) {
    throw new UsageError('--redis-cert and --redis-key go together: one is missing');
  }
  return { ca: readPem(redisCa), cert: readPem(redisCert), key: readPem(redisKey) };
}

export function readPem(file: string | undefined): string | null {
  if (file === undefined) return null;
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(`a certificate or key cannot be read: ${messageOf(error)}`, error);
  }
}
