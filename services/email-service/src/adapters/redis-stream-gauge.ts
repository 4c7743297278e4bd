/**
 * How full Redis and the streams are, and the trimming of the streams (DESIGN section 5, last rule).
 *
 * Nothing here has a state: every replica may measure and trim whenever it likes. Each statement looks at the groups and acts in
 * one step on the server, so that a group that is made, moved back or removed meanwhile is either seen or not there yet.
 *
 *   oldest ... │ ... cut │ ...... one hour ...... │ what every group has acknowledged │ pending or unread ... newest
 *    removed ──┘         └── kept ────────────────┴───────────────────────────────────┴──────────────────────▶
 *
 * A stream without the worker's group is never trimmed: whoever makes that group reads from the beginning.
 */
import { WORKER_GROUP } from '@mailstream/shared/events/email-received';
import { redisErrorWord, redisFault } from '@mailstream/shared/runtime/redis';
import { onePerServer, serversOf, type RedisClient } from '@mailstream/shared/runtime/redis-servers';
import type { StreamFill, StreamGauge } from '../ports/stream.ts';

/** Never trimmed closer to what every group has acknowledged. */
const KEEP_MS = 3_600_000;
/** Streams measured at a time. */
const MEASURED_AT_ONCE = 200;
/** Statements per stream and call; each removes up to 10,000 entries and lets others in between. */
const MAX_TRIMS = 100;
/** The probe's key goes by itself when nobody probes any more. */
const PROBE_TTL_MS = 60_000;

const GROUPS = `
local function groups()
  local list = {}
  for _, flat in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
    local one = {}
    for i = 1, #flat, 2 do one[flat[i]] = flat[i + 1] end
    list[#list + 1] = one
  end
  return list
end`;

/**
 * KEYS stream · reply: length, entries that the slowest group has not acknowledged, its name.
 * Without a group nothing is acknowledged. Where Redis knows no lag (before version 7, after XDEL) a group that is not at the end
 * counts as having read nothing: too careful until it gets there, never too bold.
 */
const MEASURE = `${GROUPS}
if redis.call('EXISTS', KEYS[1]) == 0 then return {0, 0, ''} end
local length = redis.call('XLEN', KEYS[1])
local backlog, slowest = -1, ''
for _, group in ipairs(groups()) do
  local unread = group['lag']
  if not unread then
    local after = redis.call('XRANGE', KEYS[1], '(' .. group['last-delivered-id'], '+', 'COUNT', 1)
    unread = #after == 0 and 0 or length
  end
  local waiting = math.min(length, unread + group['pending'])
  if waiting > backlog then backlog, slowest = waiting, group['name'] end
end
if backlog < 0 then backlog = length end
return {length, backlog, slowest}`;

/**
 * KEYS stream · ARGV the worker's group, milliseconds to keep · reply: entries removed, to be called again until 0.
 * Whole nodes first and not too many at once; when there are none, what is left of one node. Only the milliseconds of ids count:
 * with an hour in between, their sequence numbers cannot matter.
 */
const TRIM = `${GROUPS}
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local function ms(id) return tonumber(string.match(id, '^%d+')) end
local cut = tonumber(redis.call('TIME')[1]) * 1000
local hasWorkers = false
for _, group in ipairs(groups()) do
  if group['name'] == ARGV[1] then hasWorkers = true end
  cut = math.min(cut, ms(group['last-delivered-id']))
  if group['pending'] > 0 then
    cut = math.min(cut, ms(redis.call('XPENDING', KEYS[1], group['name'])[2]))
  end
end
cut = cut - tonumber(ARGV[2])
if not hasWorkers or cut <= 0 then return 0 end
local id = string.format('%.0f', cut)
local removed = redis.call('XTRIM', KEYS[1], 'MINID', '~', id, 'LIMIT', 10000)
if removed == 0 then removed = redis.call('XTRIM', KEYS[1], 'MINID', '=', id) end
return removed`;

/** ioredis adds the commands at run time; these are their types. */
interface WithScripts {
  mailstreamMeasure(stream: string): Promise<unknown>;
  mailstreamTrim(stream: string, group: string, keepMs: number): Promise<unknown>;
}

export function createRedisStreamGauge(redis: RedisClient): StreamGauge {
  redis.defineCommand('mailstreamMeasure', { numberOfKeys: 1, lua: MEASURE });
  redis.defineCommand('mailstreamTrim', { numberOfKeys: 1, lua: TRIM });
  return {
    async probe(streams) {
      try {
        for (const stream of onePerServer(redis, streams))
          await redis.set(`{${stream}}:probe`, '', 'PX', PROBE_TTL_MS);
      } catch (error) {
        // Whoever forbids the probe's key has not thereby filled Redis.
        if (redisErrorWord(error) !== 'NOPERM') throw redisFault(error);
      }
    },

    async memoryRatio(streams) {
      try {
        const infos = await Promise.all(serversOf(redis, streams).map((server) => server.info('memory')));
        const ratios = infos.map(ratioOf).filter((ratio) => ratio !== null);
        return ratios.length === 0 ? null : Math.max(...ratios);
      } catch (error) {
        // Hosted servers may forbid INFO; there a refused write is the first we hear of it.
        if (redisErrorWord(error) === null) throw redisFault(error);
        return null;
      }
    },

    async measure(streams) {
      const fills = new Map<string, StreamFill>();
      for (let from = 0; from < streams.length; from += MEASURED_AT_ONCE) {
        const part = streams.slice(from, from + MEASURED_AT_ONCE);
        // One after the other on the wire all the same, and in a cluster each to its node, where a pipeline has one.
        const replies = await Promise.all(
          part.map((stream) => (redis as unknown as WithScripts).mailstreamMeasure(stream)),
        ).catch((error: unknown) => {
          throw redisFault(error);
        });
        for (const [index, stream] of part.entries()) {
          const [length, backlog, slowestGroup] = replies[index] as [number, number, string];
          fills.set(stream, { length, backlog, slowestGroup: slowestGroup === '' ? null : slowestGroup });
        }
      }
      return fills;
    },

    async trim(stream) {
      let total = 0;
      for (let round = 0; round < MAX_TRIMS; round += 1) {
        const removed = await (redis as unknown as WithScripts)
          .mailstreamTrim(stream, WORKER_GROUP, KEEP_MS)
          .catch((error: unknown) => {
            throw redisFault(error);
          });
        total += Number(removed);
        if (Number(removed) === 0) break;
      }
      return total;
    },
  };
}

/** Null without a limit, and where Redis makes room by itself (at the stream's cost: see the README). */
function ratioOf(info: string): number | null {
  const field = (name: string): string => new RegExp(`^${name}:(\\S+)`, 'm').exec(info)?.[1] ?? '';
  const max = Number(field('maxmemory'));
  if (!(max > 0) || field('maxmemory_policy').startsWith('allkeys')) return null;
  return Number(field('used_memory')) / max;
}
