import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type StartFlags, configFrom, flagsFromEnvironment } from '../../src/config.ts';
import {
  parseEvery,
  parseLogLocation,
  parseNamespace,
  parseOpenLineage,
  parseOtlpEndpoint,
  parsePort,
  parseRateFlag,
  parseRatio,
  parseSize,
  parseStaleness,
  parseStoreLocation,
  parseTime,
} from '../../src/flag-values.ts';

const FLAGS: StartFlags = { role: 'all', namespace: 'default', host: '127.0.0.1', port: 8080, logLevel: 'info' };

test('a variable gives its flag, and a _FILE variable the contents of a file', () => {
  const secret = join(mkdtempSync(join(tmpdir(), 'skewless-')), 'store');
  writeFileSync(secret, 'sqlite:secret.sqlite\n');
  const flags = flagsFromEnvironment(['store', 'log-level'], {
    SKEWLESS_STORE_FILE: secret,
    SKEWLESS_LOG_LEVEL: 'warn',
    HOME: '/',
  });
  expect(Object.fromEntries(flags)).toEqual({ 'log-level': 'warn', store: 'sqlite:secret.sqlite' });
});

test('every unknown variable is named, with what was probably meant', () => {
  expect(() => flagsFromEnvironment(['store'], { SKEWLESS_STOER: 'x', SKEWLESS_WHATEVER: 'y' })).toThrow(
    /unknown variable SKEWLESS_STOER; did you mean SKEWLESS_STORE\?\nunknown variable SKEWLESS_WHATEVER/,
  );
});

test('a _FILE variable that names no file is an error', () => {
  expect(() => flagsFromEnvironment(['store'], { SKEWLESS_STORE_FILE: '/nowhere/at/all' })).toThrow(
    /SKEWLESS_STORE_FILE: ENOENT/,
  );
});

test('both forms of one variable at once are an error', () => {
  expect(() => flagsFromEnvironment(['store'], { SKEWLESS_STORE: 'a', SKEWLESS_STORE_FILE: 'b' })).toThrow(/both set/);
});

test('listening beyond loopback without saying who may call is refused', () => {
  expect(() => configFrom({ ...FLAGS, host: '0.0.0.0' })).toThrow(/--auth none/);
  expect(configFrom({ ...FLAGS, host: '0.0.0.0', auth: 'none' }).host).toBe('0.0.0.0');
});

test('keys are asked for from the file that is named, or not at all', () => {
  expect(configFrom({ ...FLAGS, host: '0.0.0.0', auth: 'keys', keys: 'keys.yaml' }).keysFile).toBe('keys.yaml');
  expect(configFrom({ ...FLAGS, auth: 'keys', keys: 'keys.yaml' }).keysFile).toBe('keys.yaml');
  expect(configFrom({ ...FLAGS, auth: 'none' }).keysFile).toBeNull();
  expect(() => configFrom({ ...FLAGS, auth: 'keys' })).toThrow(/needs --keys FILE; skewless keys create/);
  expect(() => configFrom({ ...FLAGS, keys: 'keys.yaml' })).toThrow(/nobody would be asked for a key; say --auth keys/);
  expect(() => configFrom({ ...FLAGS, auth: 'none', keys: 'keys.yaml' })).toThrow(/nobody would be asked/);
});

test('the administration port is on loopback, and asks for keys only beyond it', () => {
  const keys = { auth: 'keys', keys: 'keys.yaml' } as const;
  const adminOf = (flags: Partial<StartFlags>) => configFrom({ ...FLAGS, ...flags }).admin;
  expect(adminOf({})).toBeNull();
  expect(adminOf({ adminPort: 9_090 })).toEqual({ host: '127.0.0.1', port: 9_090, asksForKeys: false });
  expect(adminOf({ ...keys, adminPort: 9_090 })).toEqual({ host: '127.0.0.1', port: 9_090, asksForKeys: false });
  expect(adminOf({ ...keys, adminPort: 9_090, adminHost: '10.0.0.1' })).toMatchObject({ asksForKeys: true });
  expect(adminOf({ auth: 'none', adminPort: 9_090, adminHost: '10.0.0.1' })).toMatchObject({ asksForKeys: false });
  expect(() => adminOf({ adminPort: 9_090, adminHost: '10.0.0.1' })).toThrow(/--admin-host 10\.0\.0\.1 is reachable/);
  expect(() => adminOf({ adminHost: '::1' })).toThrow(/goes with --admin-port/);
  expect(() => adminOf({ port: 8_080, adminPort: 8_080 })).toThrow(/both 8080/);
  expect(adminOf({ port: 0, adminPort: 0 })).toMatchObject({ port: 0 });
});

test('a rate is a number of requests in a second, a minute or an hour', () => {
  expect(parseRateFlag('100/s')).toEqual({ requests: 100, windowMs: 1_000 });
  expect(parseRateFlag('6000/m')).toEqual({ requests: 6_000, windowMs: 60_000 });
  expect(parseRateFlag('1/h')).toEqual({ requests: 1, windowMs: 3_600_000 });
  for (const text of ['', '100', '0/s', '-1/s', '1.5/s', '100/d', '1e3/s', '9999999999/s']) {
    expect(() => parseRateFlag(text), text).toThrow(/is not a rate; expected .* such as 100\/s/);
  }
});

test('without definitions the bundled example runs, in a data folder of its own', () => {
  const config = configFrom(FLAGS);
  expect(config.exampleDir).not.toBeNull();
  expect(config.store).toMatchObject({ file: expect.stringMatching(/\.skewless.flights.store\.sqlite$/) });
  const own = configFrom({ ...FLAGS, definitions: 'features' });
  expect(own.exampleDir).toBeNull();
  expect(own.store).toMatchObject({ file: expect.stringMatching(/\.skewless.store\.sqlite$/) });
});

test('a serving process needs no log, and then loads no example', () => {
  const config = configFrom({ ...FLAGS, role: 'serve' });
  expect(config.log).toBeNull();
  expect(config.exampleDir).toBeNull();
});

test('a collector is where the flag says, else where OpenTelemetry is told; without one nothing can be traced', () => {
  const standard = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://standard:4318' };
  expect(configFrom(FLAGS, {})).toMatchObject({ otlpEndpoint: null, traceRatio: 0 });
  expect(configFrom(FLAGS, { OTEL_EXPORTER_OTLP_ENDPOINT: '' }).otlpEndpoint).toBeNull();
  expect(configFrom(FLAGS, standard).otlpEndpoint).toBe('http://standard:4318');
  expect(configFrom({ ...FLAGS, otlpEndpoint: 'http://flag:4318' }, standard).otlpEndpoint).toBe('http://flag:4318');
  expect(configFrom({ ...FLAGS, traceRatio: 0.5 }, standard).traceRatio).toBe(0.5);
  expect(() => configFrom({ ...FLAGS, traceRatio: 0.5 }, {})).toThrow(/--trace-ratio needs --otlp-endpoint/);
  expect(() => configFrom(FLAGS, { OTEL_EXPORTER_OTLP_ENDPOINT: 'u:secret@host' })).toThrow(
    /expected http:\/\/host:4318/,
  );
});

test('a collector is a URL, a ratio a number from 0 to 1', () => {
  for (const text of ['http://c:4318', 'https://c/otlp']) expect(parseOtlpEndpoint(text)).toBe(text);
  for (const text of ['', 'c:4318', 'grpc://c:4317', 'http://c?x=1']) {
    expect(() => parseOtlpEndpoint(text)).toThrow(/is not where a collector is; expected/);
  }
  expect(() => parseOtlpEndpoint('grpc://u:secret@c')).toThrow(/^"grpc:\/\/\*\*\*@c" is not/);
  for (const [text, ratio] of [
    ['0', 0],
    ['1', 1],
    ['.5', 0.5],
    ['0.01', 0.01],
  ] as const) {
    expect(parseRatio(text)).toBe(ratio);
  }
  for (const text of ['', '-1', '1.1', '1e-3', '1%', 'x']) expect(() => parseRatio(text)).toThrow(/from 0 to 1/);
});

test('runs are told to a file, an endpoint or a topic, and to nothing else', () => {
  expect(parseOpenLineage('file:/tmp/x.jsonl')).toEqual({ kind: 'file', path: '/tmp/x.jsonl' });
  expect(parseOpenLineage('file:x.jsonl')).toEqual({ kind: 'file', path: join(process.cwd(), 'x.jsonl') });
  expect(parseOpenLineage('http://marquez:5000')).toEqual({ kind: 'http', url: 'http://marquez:5000/api/v1/lineage' });
  expect(parseOpenLineage('https://h/openlineage?x=1')).toEqual({ kind: 'http', url: 'https://h/openlineage?x=1' });
  const brokers = ['a:9092', 'b:9093'];
  expect(parseOpenLineage('kafka://a,b:9093/lineage')).toEqual({ kind: 'kafka', brokers, topic: 'lineage' });
  for (const text of ['', 'file:', 'x.jsonl', 'kafka://a', 'ftp://h', 'https://u:secret@h/']) {
    expect(() => parseOpenLineage(text)).toThrow(/is not where runs are told of; expected file:PATH/);
  }
  expect(() => parseOpenLineage('https://u:secret@h/')).toThrow(/^"https:\/\/\*\*\*@h\/" is not/);
});

test('malformed locations, ports and namespaces say what was expected', () => {
  expect(() => parseLogLocation('postgres://x')).toThrow(/expected sqlite:FILE/);
  expect(() => parseStoreLocation('postgres://u:secret@x')).toThrow(
    /^"postgres:\/\/\*\*\*@x" is not a store; expected sqlite:FILE/,
  );
  expect(() => parseStoreLocation('redis://u:secret@x/y')).toThrow(
    /^"redis:\/\/\*\*\*@x\/y": "\/y" is not the number of a database$/,
  );
  expect(() => parsePort('70000')).toThrow(/expected 0 to 65535/);
  expect(() => parsePort('80a')).toThrow(/expected 0 to 65535/);
  expect(() => parseNamespace('Prod!')).toThrow(/lower-case/);
  expect(parsePort('0')).toBe(0);
});

test('brokers without a port are at 9092', () => {
  expect(parseLogLocation('kafka://one,two:9093')).toEqual({ kind: 'kafka', brokers: ['one:9092', 'two:9093'] });
});

test.for([
  ['redis://h', { mode: 'standalone', tls: false, node: { host: 'h', port: 6_379 }, database: 0, username: null }],
  ['rediss://u:p%40@h:1/2', { tls: true, node: { host: 'h', port: 1 }, database: 2, username: 'u', password: 'p@' }],
  ['redis://:p@[::1]:7', { node: { host: '::1', port: 7 }, username: null, password: 'p' }],
  [
    'redis-cluster://a:1,b',
    {
      mode: 'cluster',
      nodes: [
        { host: 'a', port: 1 },
        { host: 'b', port: 6_379 },
      ],
    },
  ],
  ['redis-sentinel://a,b:2/main?tls=true', { mode: 'sentinel', primary: 'main', tls: true }],
] as const)('%s is understood', ([text, expected]) => {
  expect(parseStoreLocation(text)).toMatchObject({ kind: 'redis', redis: expected });
});

test('the size of the cache is a number with a unit, and 256 MiB where none is given', () => {
  expect(parseSize('512MiB')).toBe(536_870_912);
  expect(parseSize('1GiB')).toBe(1_073_741_824);
  for (const wrong of ['512', '0MiB', '1KiB', '65GiB', '-1MiB', '1.5GiB', '512MB', '']) {
    expect(() => parseSize(wrong)).toThrow('is not a size; expected 1MiB to 64GiB');
  }
  expect(configFrom(FLAGS, {}).cacheBytes).toBe(268_435_456);
  expect(configFrom({ ...FLAGS, cacheSize: 1_048_576 }, {}).cacheBytes).toBe(1_048_576);
});

test('a staleness bound is a duration, or 0 for no cache', () => {
  expect(parseStaleness('0')).toBe(0);
  expect(parseStaleness('250ms')).toBe(250);
  expect(parseStaleness('1s')).toBe(1_000);
  for (const wrong of ['1', '', '19ms', '61s', '-1s', 'soon']) {
    expect(() => parseStaleness(wrong), wrong).toThrow(
      /expected 0 \(nothing is cached\), or a duration from 20ms to 60s/,
    );
  }
});

test('audits come again after a duration, and go by times with an offset, or milliseconds', () => {
  expect([parseEvery('1s'), parseEvery('1h'), parseEvery('7d')]).toEqual([1_000, 3_600_000, 604_800_000]);
  for (const wrong of ['1', '500ms', '8d', 'often']) expect(() => parseEvery(wrong), wrong).toThrow(/1s to 7d/);
  expect([parseTime('2013-01-31T18:00:00+01:00'), parseTime('5')]).toEqual([Date.UTC(2013, 0, 31, 17), 5]);
  for (const wrong of ['yesterday', '2013-01-31', '-1']) expect(() => parseTime(wrong), wrong).toThrow(/not a time/);
});

test('rows are logged as they are served where there is a log', () => {
  expect(configFrom(FLAGS, {}).servedSample).toBe(0);
  expect(configFrom({ ...FLAGS, servedSample: 0.01 }, {}).servedSample).toBe(0.01);
  expect(() => configFrom({ ...FLAGS, role: 'serve', servedSample: 0.01 }, {})).toThrow(/--served-sample needs --log/);
});
