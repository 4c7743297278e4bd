/**
 * What has to happen in one step on the Redis server. The keys of each script share the stream's hash slot, so that all of this works
 * on a Redis Cluster; what spans two slots (the dead letters have a slot of their own) is two scripts that may be repeated.
 */

const TENANT_OF = `
local function tenantOf(fields)
  for i = 1, #fields, 2 do if fields[i] == 'tenant' then return fields[i + 1] or '' end end
  return ''
end`;

const IS_MINE = `
local function isMine(stream, group, consumer, id)
  local p = redis.call('XPENDING', stream, group, id, id, 1)
  return p[1] ~= nil and p[1][2] == consumer
end`;

/**
 * KEYS stream · ARGV group, consumer, count. @returns id and tenant in turn.
 * Bodies stay on the server: reading ahead over a flood costs some bytes per entry.
 */
export const READ_AHEAD = `${TENANT_OF}
local found = {}
local reply = redis.call('XREADGROUP', 'GROUP', ARGV[1], ARGV[2], 'COUNT', ARGV[3], 'STREAMS', KEYS[1], '>')
if not reply then return found end
for _, entry in ipairs(reply[1][2]) do
  found[#found + 1] = entry[1]
  found[#found + 1] = tenantOf(entry[2] or {})
end
return found`;

/** KEYS stream · ARGV ids. @returns id and tenant in turn, of those that are in the stream. */
export const HEADERS = `${TENANT_OF}
local found = {}
for _, id in ipairs(ARGV) do
  local entry = redis.call('XRANGE', KEYS[1], id, id)[1]
  if entry then
    found[#found + 1] = id
    found[#found + 1] = tenantOf(entry[2])
  end
end
return found`;

/** KEYS stream · ARGV group, consumer, ids. @returns entries of ours, and ids of ours that are gone from the stream (then acknowledged). */
export const LOAD = `${IS_MINE}
local entries, gone = {}, {}
for i = 3, #ARGV do
  if isMine(KEYS[1], ARGV[1], ARGV[2], ARGV[i]) then
    local entry = redis.call('XRANGE', KEYS[1], ARGV[i], ARGV[i])[1]
    if entry then
      entries[#entries + 1] = entry
    else
      redis.call('XACK', KEYS[1], ARGV[1], ARGV[i])
      gone[#gone + 1] = ARGV[i]
    end
  end
end
return {entries, gone}`;

/**
 * KEYS stream · ARGV group, consumer, idle milliseconds, ids. Sets the idle time of those that are ours. @returns ids that are not:
 * a process that hung must not take back what others took over meanwhile.
 */
export const SET_IDLE = `${IS_MINE}
local mine, lost = {}, {}
for i = 4, #ARGV do
  if isMine(KEYS[1], ARGV[1], ARGV[2], ARGV[i]) then mine[#mine + 1] = ARGV[i] else lost[#lost + 1] = ARGV[i] end
end
if #mine > 0 then
  mine[#mine + 1] = 'IDLE'
  mine[#mine + 1] = ARGV[3]
  mine[#mine + 1] = 'JUSTID'
  redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, unpack(mine))
end
return lost`;

const CONSUMERS = `
local function consumers(stream, group)
  local list = {}
  for _, flat in ipairs(redis.call('XINFO', 'CONSUMERS', stream, group)) do
    local one = {}
    for i = 1, #flat, 2 do one[flat[i]] = flat[i + 1] end
    list[#list + 1] = one
  end
  return list
end`;

/**
 * KEYS stream · ARGV group, consumer, most, spared. Takes up to half of what the consumer with the most pending entries has, without
 * the first \`spared\`, which it is about to handle. @returns ids, now ours.
 */
export const SHARE = `${CONSUMERS}
local richest
for _, one in ipairs(consumers(KEYS[1], ARGV[1])) do
  if one.name ~= ARGV[2] and (not richest or one.pending > richest.pending) then richest = one end
end
if not richest then return {} end
local spared = tonumber(ARGV[4])
local wanted = math.min(tonumber(ARGV[3]), math.floor((richest.pending - spared) / 2))
if wanted < 1 then return {} end
local ids = {}
for i, one in ipairs(redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', spared + wanted, richest.name)) do
  if i > spared then ids[#ids + 1] = one[1] end
end
if #ids == 0 then return {} end
ids[#ids + 1] = 'JUSTID'
return redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], 0, unpack(ids))`;

/**
 * KEYS attempts · ARGV id, now in milliseconds. Also in a Redis that is full: only what is handled and acknowledged can be trimmed. Counts an attempt before it begins, so that one which ends the process is counted too.
 * @returns count, due time or '', history or ''; the count is 0 while the entry is not due.
 */
export const BEGIN_ATTEMPT = `#!lua flags=allow-oom
local due = redis.call('HGET', KEYS[1], ARGV[1] .. ':due') or ''
local past = redis.call('HGET', KEYS[1], ARGV[1] .. ':past') or ''
if due ~= '' and tonumber(due) > tonumber(ARGV[2]) then return {0, due, past} end
return {redis.call('HINCRBY', KEYS[1], ARGV[1], 1), '', past}`;

/** KEYS attempts · ARGV fields and values in turn. Also in a Redis that is full. */
export const NOTE = `#!lua flags=allow-oom
redis.call('HSET', KEYS[1], unpack(ARGV))`;

/** KEYS stream, attempts · ARGV group, id. */
export const SETTLE = `
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
redis.call('HDEL', KEYS[2], ARGV[2], ARGV[2] .. ':due', ARGV[2] .. ':past')`;

/**
 * KEYS stream, marker · ARGV seconds that the marker lives, then the fields. @returns the id of the entry.
 * The marker makes the call repeatable. XADD comes first: if it fails (memory), nothing has changed. Lua's \`unpack\` takes less than
 * 8000 values: the caller keeps to that.
 */
export const APPEND_ONCE = `
local known = redis.call('GET', KEYS[2])
if known then return known end
local id = redis.call('XADD', KEYS[1], '*', unpack(ARGV, 2))
redis.call('SET', KEYS[2], id, 'EX', ARGV[1])
return id`;

/**
 * KEYS stream · ARGV group, own name, least idle time in milliseconds.
 * Looking and removing in one step: a consumer that read something in between would lose it with its pending list.
 */
export const REMOVE_DEAD_CONSUMERS = `${CONSUMERS}
local removed = 0
for _, one in ipairs(consumers(KEYS[1], ARGV[1])) do
  if one.name ~= ARGV[2] and one.pending == 0 and one.idle >= tonumber(ARGV[3]) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], one.name)
    removed = removed + 1
  end
end
return removed`;

/** KEYS stream · ARGV group, own name. */
export const LEAVE = `${CONSUMERS}
for _, one in ipairs(consumers(KEYS[1], ARGV[1])) do
  if one.name == ARGV[2] and one.pending == 0 then
    return redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], one.name)
  end
end
return 0`;
