/** What has to happen in one step on the Redis server. */

/**
 * KEYS stream, dead letters, attempts · ARGV group, id, then the fields of the letter.
 * Only while the entry is pending, so that a repeated call writes no second letter. XADD comes first: if it fails (memory),
 * nothing has changed. Lua's `unpack` takes less than 8000 values: the caller keeps to that.
 */
export const DEAD_LETTER = `
if #redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[2], ARGV[2], 1) == 0 then return 0 end
redis.call('XADD', KEYS[2], '*', unpack(ARGV, 3))
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
redis.call('HDEL', KEYS[3], ARGV[2])
return 1`;

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
