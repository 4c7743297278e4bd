/**
 * A Redis Cluster under the same rules as a single connection (redis.ts): a command rejects at once while there is no cluster to send it to,
 * and is sent again only where a node said that it did not execute it (MOVED, ASK, TRYAGAIN).
 *
 * Left to itself the library keeps commands until a cluster is there, for ever, and repeats those whose node went away, executed or not.
 */
import { Cluster, type ClusterNode, type ClusterOptions } from 'ioredis';

/** While the first node tells whether the cluster is up; commands wait that long, milliseconds. */
const SOON_MS = 5_000;

export function createFailFastCluster(
  nodes: readonly ClusterNode[],
  options: ClusterOptions & { readonly redisOptions: NonNullable<ClusterOptions['redisOptions']> },
): Cluster {
  return failFast(
    new Cluster([...nodes], {
      ...options,
      redisOptions: { ...options.redisOptions, replyMapping: 'legacy' },
      // Never: the node may have executed it.
      retryDelayOnFailover: 0,
      retryDelayOnClusterDown: 0,
    }),
  );
}

function failFast(cluster: Cluster): Cluster {
  const { sendCommand, duplicate } = cluster;
  cluster.sendCommand = (command, stream, node) => {
    // By `cluster` it asks for the topology.
    const isGoingOn =
      cluster.status === 'ready' || cluster.status === 'connect' || command.name === 'cluster';
    if (!isGoingOn) {
      command.reject(noCluster());
      return command.promise;
    }
    if (cluster.status === 'connect') command.setTimeout(SOON_MS);
    return sendCommand.call(cluster, command, stream, node);
  };
  // Before the first connection pipelines wait for it here.
  cluster.delayUntilReady = (callback) => process.nextTick(callback, noCluster());
  // For BullMQ, which makes itself a connection that blocks.
  cluster.duplicate = ((...args: Parameters<typeof duplicate>) =>
    failFast(duplicate.apply(cluster, args) as Cluster)) as typeof duplicate;
  return cluster;
}

function noCluster(): Error {
  return new Error('there is no connection to the cluster');
}
