/**
 * Redis as it is run where it counts: over TLS, behind Sentinel, as a Cluster. For one test file, with short patience: a failover takes
 * about two seconds. Call these at the top level of the file, with `await`.
 */
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../local-stack/ports.ts';
import { until } from './until.ts';
import { useFolder, useRedisNode, type RedisNode } from './redis-node.ts';
import { makeTestCertificate } from './test-certificate.ts';

export interface TlsRedis {
  readonly node: RedisNode;
  /** For this user, verified with the server's own authority, with a certificate of ours, which the server asks for. */
  url(user: string, password: string): string;
}

/** The certificate is for `localhost`, and nobody signed it but itself. */
export async function useTlsRedis(): Promise<TlsRedis> {
  const folder = await useFolder();
  const [ours, theirs] = [makeTestCertificate(['mailstream']), makeTestCertificate(['localhost'])];
  const files = {
    'ours.pem': ours.cert,
    'ours.key': ours.key,
    'theirs.pem': theirs.cert,
    'theirs.key': theirs.key,
  };
  for (const [name, text] of Object.entries(files))
    await writeFile(join(folder, name), text, { mode: 0o600 });
  const file = (name: keyof typeof files): string => join(folder, name);
  const [port, password] = [await freePort(), newPassword()];
  const node = await useRedisNode({
    folder,
    name: 'tls',
    port,
    settings: [
      'port 0',
      `tls-port ${port}`,
      `tls-cert-file ${file('theirs.pem')}`,
      `tls-key-file ${file('theirs.key')}`,
      `tls-ca-cert-file ${file('ours.pem')}`,
      'tls-auth-clients yes',
      `requirepass ${password}`,
    ],
    login: { password, tls: { ca: theirs.cert, cert: ours.cert, key: ours.key } },
  });
  const parameters = new URLSearchParams({
    sslrootcert: file('theirs.pem'),
    sslcert: file('ours.pem'),
    sslkey: file('ours.key'),
  });
  return {
    node,
    url: (user, secret) =>
      `rediss://${user}:${encodeURIComponent(secret)}@localhost:${port}/0?${parameters.toString()}`,
  };
}

export interface SentinelRedis {
  readonly url: string;
  readonly primary: RedisNode;
  readonly replica: RedisNode;
  /** From now on the replica gets nothing more of what the primary takes. */
  cutReplication(): Promise<void>;
  /** Resolves when the replica takes writes. */
  failedOver(): Promise<void>;
}

/** A primary, one replica and one sentinel, each with a password. */
export async function useSentinelRedis(): Promise<SentinelRedis> {
  const folder = await useFolder();
  const [password, sentinelPassword] = [newPassword(), newPassword()];
  const [primaryPort, replicaPort, sentinelPort] = [await freePort(), await freePort(), await freePort()];
  const common = [`requirepass ${password}`, `masterauth ${password}`];
  const primary = await useRedisNode({
    folder,
    name: 'primary',
    port: primaryPort,
    settings: [`port ${primaryPort}`, ...common],
    login: { password },
  });
  const replica = await useRedisNode({
    folder,
    name: 'replica',
    port: replicaPort,
    settings: [`port ${replicaPort}`, ...common, `replicaof 127.0.0.1 ${primaryPort}`],
    login: { password },
  });
  await until(async () => (await replica.admin.info('replication')).includes('master_link_status:up'));
  await useRedisNode({
    folder,
    name: 'sentinel',
    port: sentinelPort,
    settings: [
      `port ${sentinelPort}`,
      `requirepass ${sentinelPassword}`,
      `sentinel monitor tests 127.0.0.1 ${primaryPort} 1`,
      `sentinel auth-pass tests ${password}`,
      'sentinel down-after-milliseconds tests 500',
      'sentinel failover-timeout tests 5000',
    ],
    login: { password: sentinelPassword },
    isSentinel: true,
  });
  return {
    url: `redis+sentinel://:${password}@localhost:1,localhost:${sentinelPort}/tests/0?sentinel_password=${sentinelPassword}`,
    primary,
    replica,
    cutReplication: async () => {
      await replica.admin.config('SET', 'masterauth', 'wrong');
      await primary.admin.call('CLIENT', 'KILL', 'TYPE', 'replica');
      await until(async () => (await replica.admin.info('replication')).includes('master_link_status:down'));
    },
    failedOver: () => until(async () => (await replica.admin.info('replication')).includes('role:master')),
  };
}

export interface ClusterRedis {
  /** For this user, whom every node knows; `default` with the password of the tests unless given. */
  url(login?: { readonly user: string; readonly password: string }): string;
  readonly primaries: readonly RedisNode[];
  /** Of the primary that has the slot given to `useClusterRedis`. */
  readonly replica: RedisNode;
  /** The primary that had the slot in the beginning. */
  ownerOf(slot: number): RedisNode;
  /** Key by key, as an operator does it. */
  move(slot: number, from: RedisNode, to: RedisNode): Promise<void>;
  failedOver(): Promise<void>;
}

const SLOTS = 16_384;

/** Three primaries; the one that has the slot has a replica. */
export async function useClusterRedis(slot: number): Promise<ClusterRedis> {
  const folder = await useFolder();
  const password = newPassword();
  const nodes: RedisNode[] = [];
  for (const name of ['a', 'b', 'c', 'replica']) {
    const [port, busPort] = [await freePort(), await freePort()];
    const settings = [
      `port ${port}`,
      `requirepass ${password}`,
      `masterauth ${password}`,
      'cluster-enabled yes',
      `cluster-port ${busPort}`,
      'cluster-node-timeout 1000',
      'cluster-replica-validity-factor 0',
    ];
    const node = await useRedisNode({ folder, name, port, settings, login: { password } });
    nodes.push(node);
    const [first = node] = nodes;
    if (first !== node) await first.admin.cluster('MEET', '127.0.0.1', port, busPort);
  }
  const [a, b, c, replica] = nodes as [RedisNode, RedisNode, RedisNode, RedisNode];
  const primaries = [a, b, c];
  const third = Math.ceil(SLOTS / 3);
  const ownerOf = (wanted: number): RedisNode => primaries[Math.floor(wanted / third)] ?? a;
  for (const [index, node] of primaries.entries())
    await node.admin.cluster('ADDSLOTSRANGE', index * third, Math.min((index + 1) * third, SLOTS) - 1);
  const idOf = async (node: RedisNode): Promise<string> => String(await node.admin.cluster('MYID'));
  const owner = await idOf(ownerOf(slot));
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
  return {
    url: (login = { user: 'default', password }) =>
      `redis+cluster://${login.user}:${encodeURIComponent(login.password)}@localhost:${a.port},localhost:${b.port}`,
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
    failedOver: () => until(async () => (await replica.admin.info('replication')).includes('role:master')),
  };
}

function newPassword(): string {
  return randomBytes(12).toString('hex');
}
