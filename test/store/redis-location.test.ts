import { expect, test } from 'vitest';
import { parseRedisUrl } from '../../src/store/redis-location.ts';

const NO_LOGIN = { username: null, password: null };

test.for([
  ['redis://h', { ...NO_LOGIN, tls: false, mode: 'standalone', node: { host: 'h', port: 6379 }, database: 0 }],
  [
    'rediss://u:p%40s%2Fs%3A@h.example:7000/3',
    {
      username: 'u',
      password: 'p@s/s:',
      tls: true,
      mode: 'standalone',
      node: { host: 'h.example', port: 7000 },
      database: 3,
    },
  ],
  [
    'redis://:p@[::1]:7000',
    { username: null, password: 'p', tls: false, mode: 'standalone', node: { host: '::1', port: 7000 }, database: 0 },
  ],
  [
    'redis-cluster://a:1,b?tls=true',
    {
      ...NO_LOGIN,
      tls: true,
      mode: 'cluster',
      nodes: [
        { host: 'a', port: 1 },
        { host: 'b', port: 6379 },
      ],
    },
  ],
  [
    'redis-sentinel://u:p@a,b:2/my%20primary?tls=true&sentinel-login=true',
    {
      username: 'u',
      password: 'p',
      tls: true,
      mode: 'sentinel',
      nodes: [
        { host: 'a', port: 26_379 },
        { host: 'b', port: 2 },
      ],
      primary: 'my primary',
      sentinelLogin: true,
    },
  ],
] as const)('%s is understood', ([text, expected]) => {
  expect(parseRedisUrl(text)).toEqual(expected);
});

test.for([
  ['http://h', 'a Redis location is redis://'],
  ['redis://', 'a Redis location is redis://'],
  ['redis://h:99999', 'is not host:port'],
  ['redis://h:x', 'is not host:port'],
  ['redis://a,b', 'names one host'],
  ['redis://h/first', 'is not the number of a database'],
  ['redis://secret:50%@h', 'percent-encoded'],
  ['redis://h?tls=true', 'redis:// takes none'],
  ['redis-cluster://a,b/1', 'has no databases'],
  ['redis-cluster://a?sentinel-login=true', 'redis-cluster:// takes tls=true'],
  ['redis-sentinel://a', 'the name is missing'],
  ['redis-sentinel://a/%', 'percent-encoded'],
] as const)('%s is refused: %s', ([text, message]) => {
  expect(() => parseRedisUrl(text)).toThrow(expect.objectContaining({ code: 'invalid_location' }) as Error);
  expect(() => parseRedisUrl(text)).toThrow(message);
});

test('an error does not tell the password', () => {
  for (const text of ['redis://u:secret@h:99999', 'redis://u:secret@h/x', 'redis://u:se%cret@h']) {
    try {
      parseRedisUrl(text);
      expect.unreachable();
    } catch (error) {
      expect(String(error)).not.toContain('secret');
    }
  }
});
