/**
 * Redis as it is run where it counts: over TLS, behind Sentinel, as a Cluster. For one test file; call these at its top level, with
 * `await`. They are patient with a server that is slow, and lose patience, within two seconds, only when a test asks for a failover:
 * on a busy machine they would have one by themselves.
 */
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../local-stack/ports.ts';
import { until } from './until.ts';
import { useFolder, useRedisNode, type RedisNode } from './redis-node.ts';
import { makeTestCertificate } from './test-certificate.ts';

/** One certificate for all servers, for `localhost` and its address, and one of ours, which they ask for. Both signed by themselves. */
interface Certificates {
  /** Lines of the configuration of a server on this port, which speaks TLS alone, also to other servers. */
  settings(port: number): readonly string[];
  readonly login: { readonly tls: { readonly ca: string; readonly cert: string; readonly key: string } };
  /** Of a URL. */
  readonly parameters: Readonly<Record<string, string>>;
}

async function makeCertificates(folder: string): Promise<Certificates> {
  const [ours, theirs] = [
    makeTestCertificate(['mailstream']),
    makeTestCertificate(['localhost', '127.0.0.1']),
  ];
  const files = {
    'ours.pem': ours.cert,
    'ours.key': ours.key,
    'theirs.pem': theirs.cert,
    'theirs.key': theirs.key,
    'both.pem': ours.cert + theirs.cert,
  };
  for (const [name, text] of Object.entries(files))
    await writeFile(join(folder, name), text, { mode: 0o600 });
  const file = (name: keyof typeof files): string => join(folder, name);
  return {
    settings: (port) => [
      'port 0',
      `tls-port ${port}`,
      `tls-cert-file ${file('theirs.pem')}`,
      `tls-key-file ${file('theirs.key')}`,
      `tls-ca-cert-file ${file('both.pem')}`,
      'tls-auth-clients yes',
      'tls-replication yes',
    ],
    login: { tls: { ca: theirs.cert, cert: ours.cert, key: ours.key } },
    parameters: { sslrootcert: file('theirs.pem'), sslcert: file('ours.pem'), sslkey: file('ours.key') },
  };
}

export interface TlsRedis {
  readonly node: RedisNode;
  url(user: string, password: string): string;
}

export async function useTlsRedis(): Promise<TlsRedis> {
  const folder = await useFolder();
  const { settings, login, parameters } = await makeCertificates(folder);
  const [port, password] = [await freePort(), newPassword()];
  const node = await useRedisNode({
    folder,
    name: 'tls',
    port,
    settings: [...settings(port), `requirepass ${password}`],
    login: { ...login, password },
  });
  const query = new URLSearchParams(parameters).toString();
  return {
    node,
    url: (user, secret) => `rediss://${user}:${encodeURIComponent(secret)}@localhost:${port}/0?${query}`,
  };
}

export interface SentinelRedis {
  /** For this user of the sentinel; the first sentinel in it is not there. */
  url(user: string, password: string): string;
  /** The sentinel. */
  readonly watcher: RedisNode;
  readonly primary: RedisNode;
  readonly replica: RedisNode;
  /** From now on the replica gets nothing more of what the primary takes. */
  cutReplication(): Promise<void>;
  /** After the end of the primary; resolves when the replica takes writes. */
  failOver(): Promise<void>;
}

/** A primary, one replica and one sentinel, over TLS, each with a password. */
export async function useSentinelRedis(): Promise<SentinelRedis> {
  const folder = await useFolder();
  const [password, sentinelPassword] = [newPassword(), newPassword()];
  const [primaryPort, replicaPort, sentinelPort] = [await freePort(), await freePort(), await freePort()];
  const { settings, login, parameters } = await makeCertificates(folder);
  const common = [`requirepass ${password}`, `masterauth ${password}`];
  const primary = await useRedisNode({
    folder,
    name: 'primary',
    port: primaryPort,
    settings: [...settings(primaryPort), ...common],
    login: { ...login, password },
  });
  const replica = await useRedisNode({
    folder,
    name: 'replica',
    port: replicaPort,
    settings: [...settings(replicaPort), ...common, `replicaof 127.0.0.1 ${primaryPort}`],
    login: { ...login, password },
  });
  await until(async () => (await replica.admin.info('replication')).includes('master_link_status:up'));
  const watcher = await useRedisNode({
    folder,
    name: 'sentinel',
    port: sentinelPort,
    settings: [
      ...settings(sentinelPort),
      `requirepass ${sentinelPassword}`,
      `sentinel monitor tests 127.0.0.1 ${primaryPort} 1`,
      `sentinel auth-pass tests ${password}`,
      'sentinel down-after-milliseconds tests 60000',
      'sentinel failover-timeout tests 5000',
    ],
    login: { ...login, password: sentinelPassword },
    isSentinel: true,
  });
  return {
    url: (user, secret) => {
      const query = new URLSearchParams({
        ...parameters,
        sentinel_username: user,
        sentinel_password: secret,
      }).toString();
      return `rediss+sentinel://:${password}@localhost:1,localhost:${sentinelPort}/tests/0?${query}`;
    },
    watcher,
    primary,
    replica,
    cutReplication: async () => {
      await replica.admin.config('SET', 'masterauth', 'wrong');
      await primary.admin.call('CLIENT', 'KILL', 'TYPE', 'replica');
      await until(async () => (await replica.admin.info('replication')).includes('master_link_status:down'));
    },
    failOver: async () => {
      await watcher.admin.call('SENTINEL', 'SET', 'tests', 'down-after-milliseconds', 500);
      await until(async () => (await replica.admin.info('replication')).includes('role:master'));
    },
  };
}

export interface ClusterRedis {
  /** For this user, whom every node knows; `default` with the password of the tests unless given. */
  url(login?: { readonly user: string; readonly password: string }): string;
  readonly primaries: readonly RedisNode[];
  /** Of the primary that has the slots given to `useClusterRedis`. */
  readonly replica: RedisNode;
  /** The primary that had the slot in the beginning. */
  ownerOf(slot: number): RedisNode;
  /** Key by key, as an operator does it. */
  move(slot: number, from: RedisNode, to: RedisNode): Promise<void>;
  /** After the end of the primary that has a replica; resolves when that one takes writes. */
  failOver(): Promise<void>;
}

const SLOTS = 16_384;
const SHORT_MS = 1_000;
const LONG_MS = 60_000;

/** Three primaries, of which one has all of these slots and a replica, over TLS. */
export async function useClusterRedis(slots: readonly number[]): Promise<ClusterRedis> {
  const folder = await useFolder();
  const password = newPassword();
  const { settings: tls, login: identity, parameters } = await makeCertificates(folder);
  const query = new URLSearchParams(parameters).toString();
  const nodes: RedisNode[] = [];
  for (const name of ['a', 'b', 'c', 'replica']) {
    const [port, busPort] = [await freePort(), await freePort()];
    const settings = [
      ...tls(port),
      'tls-cluster yes',
      `requirepass ${password}`,
      `masterauth ${password}`,
      'cluster-enabled yes',
      `cluster-port ${busPort}`,
      // Also how fast they get to know each other.
      `cluster-node-timeout ${SHORT_MS}`,
      'cluster-replica-validity-factor 0',
    ];
    const node = await useRedisNode({ folder, name, port, settings, login: { ...identity, password } });
    nodes.push(node);
    const [first = node] = nodes;
    if (first !== node) await first.admin.cluster('MEET', '127.0.0.1', port, busPort);
  }
  const [a, b, c, replica] = nodes as [RedisNode, RedisNode, RedisNode, RedisNode];
  const primaries = [a, b, c];
  const ownerOf = (slot: number): RedisNode =>
    slots.includes(slot) ? a : (primaries[Math.floor(slot / Math.ceil(SLOTS / 3))] ?? a);
  for (const node of primaries) {
    const own = Array.from({ length: SLOTS }, (_, slot) => slot).filter((slot) => ownerOf(slot) === node);
    await node.admin.cluster('ADDSLOTS', ...own);
  }
  const idOf = async (node: RedisNode): Promise<string> => String(await node.admin.cluster('MYID'));
  const owner = await idOf(a);
  await until(async () => String(await replica.admin.cluster('NODES')).includes(owner));
  await replica.admin.cluster('REPLICATE', owner);
  await until(async () => (await replica.admin.info('replication')).includes('master_link_status:up'));
  for (const { admin } of nodes)
    await until(async () => {
      const [info, known] = [String(await admin.cluster('INFO')), String(await admin.cluster('NODES'))];
      return (
        info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:4') && known.includes('slave')
      );
    });
  const setPatience = async (ms: number): Promise<void> => {
    for (const { admin, server } of nodes)
      if (server.isRunning()) await admin.config('SET', 'cluster-node-timeout', ms);
  };
  await setPatience(LONG_MS);
  return {
    url: (login = { user: 'default', password }) =>
      `rediss+cluster://${login.user}:${encodeURIComponent(login.password)}@localhost:${a.port},localhost:${b.port}?${query}`,
    primaries,
    replica,
    ownerOf,
    move: async (moved, from, to) => {
      await to.admin.cluster('SETSLOT', moved, 'IMPORTING', await idOf(from));
      await from.admin.cluster('SETSLOT', moved, 'MIGRATING', await idOf(to));
      for (;;) {
        const keys = (await from.admin.cluster('GETKEYSINSLOT', moved, 10)) as string[];
        if (keys.length === 0) break;
        for (const key of keys)
          await from.admin.call('MIGRATE', '127.0.0.1', to.port, key, 0, 5_000, 'AUTH', password);
      }
      const id = await idOf(to);
      const others = primaries.filter((node) => node !== to && node !== from && node.server.isRunning());
      for (const { admin } of [to, from, ...others]) await admin.cluster('SETSLOT', moved, 'NODE', id);
    },
    failOver: async () => {
      await setPatience(SHORT_MS);
      await until(async () => (await replica.admin.info('replication')).includes('role:master'));
      await setPatience(LONG_MS);
    },
  };
}

function newPassword(): string {
  return randomBytes(12).toString('hex');
}
