import { describe, expect, it } from 'vitest';
import { parseRedisUrl, type RedisPlace } from './redis-url.ts';

function place(url: string): RedisPlace {
  const result = parseRedisUrl(url);
  if (result.kind === 'problem') throw new Error(result.text);
  return result.place;
}

const NO_FILES = { authority: null, client: null, serverName: null };

describe('URL of Redis', () => {
  it.each<[string, RedisPlace]>([
    [
      'redis://h',
      { kind: 'server', address: { host: 'h', port: 6379 }, database: 0, login: null, tls: null },
    ],
    [
      'REDISS://:p%40ss%2Cw@h.example:6380/2',
      {
        kind: 'server',
        address: { host: 'h.example', port: 6380 },
        database: 2,
        login: { user: null, password: 'p@ss,w' },
        tls: NO_FILES,
      },
    ],
    [
      'rediss://user:a:b@[::1]:1/?sslrootcert=/ca.pem&sslcert=/c.pem&sslkey=/k.pem&sslservername=redis.example',
      {
        kind: 'server',
        address: { host: '::1', port: 1 },
        database: 0,
        login: { user: 'user', password: 'a:b' },
        tls: {
          authority: '/ca.pem',
          client: { certificate: '/c.pem', key: '/k.pem' },
          serverName: 'redis.example',
        },
      },
    ],
    [
      'redis+sentinel://u:p@a,b:1/my%20master/3?sentinel_username=s&sentinel_password=t%26',
      {
        kind: 'sentinel',
        sentinels: [
          { host: 'a', port: 26_379 },
          { host: 'b', port: 1 },
        ],
        sentinelLogin: { user: 's', password: 't&' },
        primary: 'my master',
        database: 3,
        login: { user: 'u', password: 'p' },
        tls: null,
      },
    ],
    [
      'rediss+sentinel://a/m',
      {
        kind: 'sentinel',
        sentinels: [{ host: 'a', port: 26_379 }],
        sentinelLogin: null,
        primary: 'm',
        database: 0,
        login: null,
        tls: NO_FILES,
      },
    ],
    [
      'redis+cluster://:p@a:1,b,[fe80::1]:2/0',
      {
        kind: 'cluster',
        nodes: [
          { host: 'a', port: 1 },
          { host: 'b', port: 6379 },
          { host: 'fe80::1', port: 2 },
        ],
        login: { user: null, password: 'p' },
        tls: null,
      },
    ],
  ])('%s', (url, expected) => {
    expect(place(url)).toEqual(expected);
  });

  it.each<[url: string, says: RegExp]>([
    ['canary', /^must be a URL that starts with redis:\/\/ or rediss:\/\/ or redis\+sentinel:\/\//],
    ['redis+proxy://canary', /^must be a URL/],
    ['redis://:can#ary@h', /%23/],
    ['redis://:canary%@h', /%25/],
    ['redis://canary@h', /a user but no password/],
    ['redis://:canary@', /every host as host:port/],
    ['redis://:canary@h:0', /every host/],
    ['redis://:canary@h:65536', /every host/],
    ['redis://:canary@[h]', /every host/],
    ['redis+cluster://:canary@h,,i', /every host/],
    ['redis://:canary@h,i', /several hosts/],
    ['redis://:canary@h/x', /whole number/],
    ['redis://:canary@h/1/2', /number of a database/],
    ['redis+cluster://:canary@h/1', /number 0 only/],
    ['redis+sentinel://:canary@h', /knows the primary/],
    ['redis+sentinel://:canary@h//1', /knows the primary/],
    ['redis+sentinel://:canary@h/m/1/2', /knows the primary/],
    ['redis+sentinel://h/m?sentinel_username=canary', /no sentinel_password/],
    ['redis://h?sentinel_password=canary', /for redis\+sentinel/],
    ['redis://h?sslrootcert=canary', /must begin with rediss/],
    ['rediss://h?sslcert=canary', /sslcert and sslkey together/],
    ['rediss://h?sslrootcert=canary&sslrootcert=canary', /twice/],
    ['rediss://h?sslrootcert=', /without a value/],
    ['redis://h?canary=1', /not known/],
  ])('%s is refused, and nothing of it repeated', (url, says) => {
    const result = parseRedisUrl(url);
    expect(result).toEqual({ kind: 'problem', text: expect.stringMatching(says) as string });
    expect(JSON.stringify(result)).not.toContain('canary');
  });
});
