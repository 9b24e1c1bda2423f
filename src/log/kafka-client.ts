/** The connection to Kafka that the parts of the adapter share: settings, time limits, and what its errors mean to us. */
import kafkajs, { type Admin, type Kafka, type LogEntry } from 'kafkajs';
import { SkewlessError, messageOf } from '../core/errors.ts';
import { createKafkaAdmins } from './kafka-admins.ts';
import { registerCodecs } from './kafka-codecs.ts';
import { restRequestQueues } from './kafka-request-queue.ts';
import { type KafkaSecurity, securityConfig } from './kafka-security.ts';
import { within } from './kafka-time.ts';

export interface KafkaBounds {
  readonly connectMs: number;
  /** One request; Kafka itself may hold a fetch back for `fetchWaitMs` of it. */
  readonly requestMs: number;
  /** One call of the port, with its retries. */
  readonly callMs: number;
  readonly fetchWaitMs: number;
  /** A member of a consumer group that has not been heard of for this long is gone. */
  readonly sessionMs: number;
  readonly heartbeatMs: number;
  /** A member that has not joined again within this, because its handler takes longer, is gone. */
  readonly rebalanceMs: number;
  readonly fetchBytesMax: number;
  readonly fetchPartitionBytesMax: number;
  /** Partitions whose batches are handled at a time. */
  readonly partitionsAtOnce: number;
  /** Bytes of records in one produce request. */
  readonly produceBytesMax: number;
  /** A transaction left open by a process that is gone ends after this. */
  readonly transactionMs: number;
  /** How long a committed offset may take to be seen by whoever asks (measured: tens of ms). */
  readonly offsetSettleMs: number;
}

export const DEFAULT_KAFKA_BOUNDS: KafkaBounds = {
  connectMs: 3_000,
  requestMs: 10_000,
  callMs: 15_000,
  fetchWaitMs: 250,
  sessionMs: 10_000,
  heartbeatMs: 1_000,
  rebalanceMs: 30_000,
  fetchBytesMax: 8_388_608,
  fetchPartitionBytesMax: 1_048_576,
  partitionsAtOnce: 8,
  produceBytesMax: 524_288,
  transactionMs: 30_000,
  offsetSettleMs: 300,
};

export interface KafkaOptions {
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly security?: KafkaSecurity;
  readonly bounds?: Partial<KafkaBounds>;
  /** What an operator should know of; transient trouble of coordinators is not among it. */
  readonly onWarning?: (message: string) => void;
}

export interface KafkaClient {
  readonly kafka: Kafka;
  readonly bounds: KafkaBounds;
  /** As `call`, with the topic's connection for administration; one that failed is replaced. */
  withAdmin<T>(topic: string, work: (admin: Admin) => Promise<T>): Promise<T>;
  /** Runs a call of the port within `callMs`; what it rejects with is a `SkewlessError`. `topic` is for the message. */
  call<T>(topic: string, work: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

const RETRY = { initialRetryTime: 100, maxRetryTime: 1_000, retries: 5 };

export function createKafkaClient(options: KafkaOptions): KafkaClient {
  registerCodecs();
  restRequestQueues();
  const bounds = { ...DEFAULT_KAFKA_BOUNDS, ...options.bounds };
  const { onWarning = () => undefined } = options;
  const kafka = new kafkajs.Kafka({
    brokers: [...options.brokers],
    clientId: options.clientId,
    connectionTimeout: bounds.connectMs,
    requestTimeout: bounds.requestMs,
    retry: RETRY,
    logLevel: kafkajs.logLevel.ERROR,
    logCreator: () => (entry) => warn(entry, onWarning),
    ...securityConfig(options.security ?? { tls: null, sasl: null }),
  });
  const admins = createKafkaAdmins(kafka, bounds);

  async function call<T>(topic: string, work: () => Promise<T>): Promise<T> {
    try {
      return await within(work(), bounds.callMs);
    } catch (error) {
      throw kafkaFault(error, topic);
    }
  }

  return {
    kafka,
    bounds,
    call,
    async withAdmin(topic, work) {
      const used = admins.of(topic);
      try {
        return await call(topic, async () => work(await used));
      } catch (error) {
        const isUnknown = error instanceof SkewlessError && error.code === 'unknown_topic';
        if (!isUnknown) admins.drop(topic, used);
        throw error;
      }
    },
    close: () => admins.close(),
  };
}

interface KafkaError extends Error {
  /** The protocol's name of the error. */
  readonly type?: string;
  readonly cause?: unknown;
  readonly originalError?: unknown;
  /** Of calls for several topics; ours are for one. */
  readonly errors?: readonly unknown[];
}

const FENCED = new Set(['INVALID_PRODUCER_EPOCH', 'PRODUCER_FENCED', 'INVALID_PRODUCER_ID_MAPPING']);
const REFUSED = new Set([
  'INVALID_TOPIC_EXCEPTION',
  'INVALID_REPLICATION_FACTOR',
  'INVALID_PARTITIONS',
  'POLICY_VIOLATION',
]);
const TOO_LARGE = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']);

/** What kafkajs threw, as one of ours: retryable unless waiting cannot mend it. */
export function kafkaFault(error: unknown, topic: string): SkewlessError {
  if (error instanceof SkewlessError) return error;
  const cause = rootOf(error);
  const { type = '', name, message } = cause;
  const says = (code: string, text: string): SkewlessError => new SkewlessError(code, text, { cause: error });
  if (type === 'UNKNOWN_TOPIC_OR_PARTITION') return unknownTopic(topic);
  if (FENCED.has(type)) return says('fenced', `topic ${topic}: another producer has taken over`);
  if (TOO_LARGE.has(type)) return says('record_too_large', `topic ${topic} takes no record as large as that`);
  if (name === 'KafkaJSSASLAuthenticationError')
    return says('log_login_refused', `Kafka refused the login: ${message}`);
  if (type.endsWith('AUTHORIZATION_FAILED')) {
    return says('log_forbidden', `Kafka does not allow it (${type}), topic ${topic}: ask for the missing right`);
  }
  if (REFUSED.has(type)) {
    return says('log_refused', `topic ${topic}: ${message}`);
  }
  return new SkewlessError('log_unavailable', `Kafka: ${message}`, { retryable: true, cause: error });
}

export function unknownTopic(topic: string): SkewlessError {
  return new SkewlessError('unknown_topic', `there is no topic ${topic}`);
}

const MOVING = new Set(['NOT_LEADER_FOR_PARTITION', 'LEADER_NOT_AVAILABLE']);

/** The partition has another leader than was believed, as it does for moments after a topic was made or a broker has gone. */
export function isMoving(fault: unknown): boolean {
  return fault instanceof SkewlessError && fault.cause !== undefined && MOVING.has(rootOf(fault.cause).type ?? '');
}

/** Under what retries wrapped it in. */
function rootOf(error: unknown): KafkaError {
  let at = error as KafkaError;
  for (let depth = 0; depth < 8; depth++) {
    const inner = at.originalError ?? at.cause ?? at.errors?.[0];
    if (!(inner instanceof Error)) break;
    at = inner;
  }
  return at instanceof Error ? at : new Error(messageOf(error));
}

/** kafkajs calls its own retries errors. What matters reaches us as a rejection or a crash; logins are worth a line. */
function warn({ log }: LogEntry, onWarning: (message: string) => void): void {
  const text = [log.message, log['error']].filter((part) => typeof part === 'string').join(': ');
  if (/authenticat|certificate|authoriz/i.test(text)) onWarning(text);
}
