/**
 * The registry's client: against a real registry, and against a small server that plays exchanges as that registry answered
 * them, and those that no registry can be asked for.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Schemas } from '../../src/event/schemas.ts';
import { type RegistryOptions, openSchemaRegistry } from '../../src/log/schema-registry.ts';
import { writeAvro } from '../event/schemas-support.ts';
import { describeWith } from '../services/available.ts';
import { type Certificates, makeCertificates } from '../services/certificates.ts';
import { type RegistryService, startRegistry } from '../services/registry.ts';

const NO_TLS = { ca: null, cert: null, key: null };
const ORDER = {
  type: 'record',
  name: 'Order',
  fields: [
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'amount', type: ['null', 'double'] },
  ],
};
const DATA = writeAvro(ORDER, { at: 5n, amount: { double: 1.5 } });

function open(url: string, more: Partial<RegistryOptions> = {}): Schemas {
  return openSchemaRegistry({ url, login: null, tls: NO_TLS, ...more });
}

async function readBy(schemas: Schemas, id: number, data: Uint8Array): Promise<unknown> {
  const schema = await schemas.schemaOf(id);
  return schema.kind === 'avro' ? schema.read(data, 0) : schema;
}

describeWith(['registry'], 'a real registry', () => {
  let registry: RegistryService;
  beforeAll(async () => {
    registry = await startRegistry();
  }, 600_000);
  afterAll(() => registry.stop());

  test('a schema is found by its id, and one that there is not is an answer', async () => {
    const id = await registry.register('found-value', ORDER);
    const schemas = open(registry.url);
    expect(await readBy(schemas, id, DATA)).toEqual({ at: 5, amount: 1.5 });
    expect(await schemas.schemaOf(99_999)).toEqual({ kind: 'unusable', message: 'the registry has no schema 99999' });
  });

  test('the newest schema of a subject is the one that is written by', async () => {
    const schemas = open(registry.url);
    expect(await schemas.newestOf('newest-value')).toBe('subject newest-value has no schema: register one');
    await registry.register('newest-value', ORDER);
    const more = { ...ORDER, fields: [...ORDER.fields, { name: 'note', type: 'string', default: 'none' }] };
    const id = await registry.register('newest-value', more);
    const newest = await schemas.newestOf('newest-value');
    if (typeof newest === 'string') throw new Error(newest);
    expect(newest.id).toBe(id);
    const data = newest.write?.({ at: 7 });
    expect(await readBy(schemas, id, data as Uint8Array)).toEqual({ at: 7, amount: null, note: 'none' });
  });

  test('a schema that refers to others is read with them', async () => {
    const city = { type: 'record', name: 'City', namespace: 'places', fields: [{ name: 'name', type: 'string' }] };
    await registry.register('city', city);
    const shop = { type: 'record', name: 'Shop', fields: [{ name: 'city', type: 'places.City' }] };
    const references = [{ name: 'places.City', subject: 'city', version: 1 }];
    const id = await registry.register('shop-value', shop, { references });
    expect(await readBy(open(registry.url), id, writeAvro('string', 'Bern'))).toEqual({ city: { name: 'Bern' } });
  });

  test('a JSON Schema is written by with its id, whatever draft it is of, and read by none', async () => {
    const schema = { $schema: 'http://json-schema.org/draft-04/schema#', type: 'object', format: 'odd' };
    const id = await registry.register('json-value', schema, { schemaType: 'JSON' });
    const schemas = open(registry.url);
    expect(await schemas.newestOf('json-value')).toMatchObject({ id, write: null });
    expect(await schemas.schemaOf(id)).toEqual({ kind: 'unusable', message: `schema ${id} is not Avro` });
  });
});

type Answer = (request: IncomingMessage, response: ServerResponse) => void;
const json =
  (status: number, body: unknown): Answer =>
  (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/vnd.schemaregistry.v1+json' });
    response.end(JSON.stringify(body));
  };

/** Bodies as Apicurio 2.6.13 answered them on its Confluent paths. */
const RECORDED = {
  schema: json(200, { schema: JSON.stringify(ORDER), references: [] }),
  missing: json(404, { error_code: 40_403, message: "No content with id/hash 'contentId-9' was found." }),
  broken: json(500, { error_code: 50_001, message: 'Error in the backend datastore' }),
  refused: json(401, { error_code: 40_101, message: 'Unauthorized' }),
};

const servers: { close(): void }[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** Answers one request after the other; the last answer for good. */
async function playing(...answers: readonly Answer[]): Promise<{ url: string; seen: IncomingMessage[] }> {
  const seen: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    const answer = answers[Math.min(seen.length, answers.length - 1)];
    seen.push(request);
    answer?.(request, response);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  servers.push({
    close() {
      server.close();
      server.closeAllConnections();
    },
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, seen };
}

test('a schema is asked for once, and kept; one that was not there is asked for again', async () => {
  const { url, seen } = await playing(RECORDED.missing, RECORDED.schema);
  const schemas = open(url);
  expect(await schemas.schemaOf(9)).toMatchObject({ kind: 'unusable' });
  expect(await readBy(schemas, 9, DATA)).toEqual({ at: 5, amount: 1.5 });
  expect(await readBy(schemas, 9, DATA)).toEqual({ at: 5, amount: 1.5 });
  expect(seen.map((request) => request.url)).toEqual(['/schemas/ids/9', '/schemas/ids/9']);
});

test('a registry that fails for a moment is asked again, and one that keeps failing is away, not without the schema', async () => {
  const moment = await playing(RECORDED.broken, RECORDED.schema);
  expect(await readBy(open(moment.url), 1, DATA)).toEqual({ at: 5, amount: 1.5 });
  const away = { code: 'registry_unavailable', retryable: true };
  const broken = await playing(RECORDED.broken);
  await expect(open(broken.url).schemaOf(1)).rejects.toMatchObject(away);
  await expect(open(broken.url).newestOf('a')).rejects.toMatchObject(away);
  const refused = await playing(RECORDED.refused);
  await expect(open(refused.url).schemaOf(1)).rejects.toMatchObject({
    ...away,
    message: expect.stringContaining('Unauthorized'),
  });
  await expect(open('http://127.0.0.1:1').schemaOf(1)).rejects.toMatchObject(away);
});

test('what is no schema of Avro cannot be used, and waiting would not mend it', async () => {
  const { url } = await playing(json(200, { schema: '{"type":"record"}' }));
  expect(await open(url).schemaOf(1)).toMatchObject({
    kind: 'unusable',
    message: expect.stringContaining('schema 1 cannot be used'),
  });
});

test('a registry that asks who it is told', async () => {
  const { url, seen } = await playing(RECORDED.schema);
  await open(url, { login: { kind: 'basic', username: 'me', password: 'secret' } }).schemaOf(1);
  await open(url, { login: { kind: 'bearer', token: 'abc' } }).schemaOf(1);
  const basic = `Basic ${Buffer.from('me:secret').toString('base64')}`;
  expect(seen.map(({ headers }) => headers.authorization)).toEqual([basic, 'Bearer abc']);
});

describeWith(['certificates'], 'a registry behind TLS', () => {
  let ours: Certificates;
  let others: Certificates;
  beforeAll(() => {
    [ours, others] = [makeCertificates(), makeCertificates()];
  });
  afterAll(() => {
    ours.remove();
    others.remove();
  });

  /** With `requestCert` it takes nobody whose certificate our authority does not vouch for. */
  async function behindTls(requestCert = false): Promise<string> {
    const { ca, cert, key } = ours;
    const server = createTlsServer({ ca, cert, key, requestCert }, RECORDED.schema).listen(0, '127.0.0.1');
    await once(server, 'listening');
    servers.push({
      close() {
        server.close();
        server.closeAllConnections();
      },
    });
    return `https://localhost:${(server.address() as AddressInfo).port}`;
  }

  test('it is read where its authority is named, and nowhere else; the refusal says which flag names it', async () => {
    const url = await behindTls();
    expect(await readBy(open(url, { tls: { ...NO_TLS, ca: ours.ca } }), 1, DATA)).toEqual({ at: 5, amount: 1.5 });
    for (const ca of [others.ca, null]) {
      await expect(open(url, { tls: { ...NO_TLS, ca } }).schemaOf(1)).rejects.toMatchObject({
        code: 'registry_unavailable',
        retryable: true,
        message: expect.stringMatching(/^the schema registry https:\S+ .*certificate.*--schema-registry-ca/),
      });
    }
  });

  test('one that asks for a certificate is shown ours', async () => {
    const url = await behindTls(true);
    const { ca, cert, key } = ours;
    expect(await readBy(open(url, { tls: { ca, cert, key } }), 1, DATA)).toEqual({ at: 5, amount: 1.5 });
    await expect(open(url, { tls: { ...NO_TLS, ca } }).schemaOf(1)).rejects.toMatchObject({
      code: 'registry_unavailable',
    });
  });
});
