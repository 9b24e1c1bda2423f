/**
 * A registry that speaks Confluent's protocol (its own, Apicurio, Karapace, Redpanda), by @kafkajs/confluent-schema-registry:
 * schemas by id, with what they refer to. Decoding is ours (event/avro-reader.ts), for the library's awaits each record.
 */
import { Agent } from 'node:https';
import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import avsc from 'avsc';
import { LRUCache } from 'lru-cache';
import { SkewlessError, messageOf } from '../core/errors.ts';
import { AVRO_SCHEMA_OPTIONS } from '../event/avro-logical.ts';
import { misfitOf } from '../event/avro-fit.ts';
import { compileAvroReader } from '../event/avro-reader.ts';
import { compileAvroWriter } from '../event/avro-writer.ts';
import type { Schemas, SubjectSchema, WriterSchema } from '../event/schemas.ts';

export type RegistryLogin =
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  | { readonly kind: 'bearer'; readonly token: string };

export interface RegistryOptions {
  /** Base of its paths; holds no secret. */
  readonly url: string;
  readonly login: RegistryLogin | null;
  /** PEM; null: the system's, and no certificate of ours. */
  readonly tls: { readonly ca: string | null; readonly cert: string | null; readonly key: string | null };
}

/** A request, ms; and how often one that failed is made again before the call does. */
const REQUEST_MS = 5_000;
const RETRIES = 2;
/** Schemas kept ready. */
const KEPT_MAX = 1_000;
/** Events are written by a schema that was the newest so long ago, ms, at most. */
const NEWEST_MS = 60_000;
const NOT_FOUND = 404;
/** Events are held to what their source declares; a JSON Schema is looked up for its id alone. */
const NO_VALIDATION = { addSchema: (): never => undefined as never, compile: () => () => true };

export function openSchemaRegistry(options: RegistryOptions): Schemas {
  const registry = new SchemaRegistry(clientOptions(options), {
    [SchemaType.AVRO]: AVRO_SCHEMA_OPTIONS,
    [SchemaType.JSON]: { ajvInstance: NO_VALIDATION },
  });
  const kept = new LRUCache<number, WriterSchema>({ max: KEPT_MAX });
  const newest = new LRUCache<string, SubjectSchema>({ max: KEPT_MAX, ttl: NEWEST_MS });

  async function fetchSchema(id: number): Promise<WriterSchema> {
    try {
      const schema = await registry.getSchema(id);
      if (!isAvro(schema)) return unusable(`schema ${id} is not Avro`);
      return { kind: 'avro', read: compileAvroReader(schema) };
    } catch (error) {
      const status = statusOf(error);
      if (status === NOT_FOUND) return unusable(`the registry has no schema ${id}`);
      if (status === null) return unusable(`schema ${id} cannot be used: ${messageOf(error)}`);
      throw unavailable(options.url, error);
    }
  }

  async function fetchNewest(subject: string): Promise<SubjectSchema | string> {
    try {
      const id = await registry.getLatestSchemaId(subject);
      const schema = await registry.getSchema(id);
      if (isAvro(schema)) {
        return { id, write: compileAvroWriter(schema), misfitOf: (field) => misfitOf(schema, field) };
      }
      return 'validate' in schema
        ? { id, write: null, misfitOf: () => null }
        : `subject ${subject} is neither Avro nor JSON Schema`;
    } catch (error) {
      const status = statusOf(error);
      if (status === NOT_FOUND) return `subject ${subject} has no schema: register one`;
      if (status === null) return `the newest schema of subject ${subject} cannot be used: ${messageOf(error)}`;
      throw unavailable(options.url, error);
    }
  }

  return {
    async schemaOf(id) {
      const known = kept.get(id);
      if (known !== undefined) return known;
      const schema = await fetchSchema(id);
      // What is not there may be registered yet.
      if (schema.kind === 'avro') kept.set(id, schema);
      return schema;
    },
    async newestOf(subject) {
      const known = newest.get(subject);
      if (known !== undefined) return known;
      const schema = await fetchNewest(subject);
      if (typeof schema !== 'string') newest.set(subject, schema);
      return schema;
    },
  };
}

function clientOptions({ url, login, tls }: RegistryOptions): ConstructorParameters<typeof SchemaRegistry>[0] {
  const bearer = login?.kind === 'bearer' ? { authorization: `Bearer ${login.token}` } : {};
  const { ca, cert, key } = tls;
  const given = { ...(ca !== null && { ca }), ...(cert !== null && { cert }), ...(key !== null && { key }) };
  return {
    host: url.replace(/\/+$/, ''),
    clientId: 'skewless',
    retry: { retries: RETRIES, initialRetryTimeInSecs: 0.1, maxRetryTimeInSecs: 1 },
    ...(login?.kind === 'basic' && { auth: { username: login.username, password: login.password } }),
    ...(url.startsWith('https:') && { agent: new Agent({ keepAlive: true, ...given }) }),
    middlewares: [
      () => ({
        prepareRequest: async (next) => (await next()).enhance({ headers: bearer, timeout: REQUEST_MS }),
      }),
    ],
  };
}

/** The client's own types know of neither class. */
function isAvro(schema: unknown): schema is avsc.Type {
  return avsc.Type.isType(schema);
}

/** Null: it is no answer, and no want of one: what was answered cannot be used. */
function statusOf(error: unknown): number | null {
  const status = error instanceof Error ? (error as Error & { readonly status?: unknown }).status : undefined;
  return typeof status === 'number' ? status : null;
}

function unusable(message: string): WriterSchema {
  return { kind: 'unusable', message };
}

/** How Node says that nobody it trusts vouches for a certificate. */
const UNTRUSTED = /self-signed|issuer|unable to verify/;

function unavailable(url: string, cause: unknown): SkewlessError {
  // The client puts our name before it, and calls it status 400 where nothing answered.
  const reason = messageOf(cause).replace(/^skewless - (Error, status 400: )?/, '');
  const mend = UNTRUSTED.test(reason) ? '; --schema-registry-ca names the authorities that vouch for it' : '';
  const message = `the schema registry ${url} does not say: ${reason}${mend}`;
  return new SkewlessError('registry_unavailable', message, { retryable: true, cause });
}
