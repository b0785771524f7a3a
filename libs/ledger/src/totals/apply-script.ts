import { LuaScript } from './lua-script.js';
import { MOST_CHANGE_BYTES, MOST_CHANGES } from './totals-changes.js';

/** `applied`; `done`: the totals are there or past it already; `reload`: they are missing, torn, foreign or behind. */
export type ApplyOutcome = 'applied' | 'done' | 'reload';

/**
 * Applies one batch. KEYS: totals, prefix of the member sets, stream of changes. ARGV: epoch, from, to, number of amounts, then
 * (field, delta) per amount and (set name, member, score or '') per member.
 *
 * Redis keeps what a script wrote before an error, so the position is `!` while it applies and `to` comes last.
 * Positions are compared as decimal strings without leading zeros: a Lua number would round them above 2^53. For the
 * same reason HINCRBY takes its increment as a string; its reply may be rounded, but never to zero.
 *
 * Followers learn the new values from a capped stream. A batch too large for it leaves no entry: whoever follows finds
 * a gap between positions, and loads the totals anew.
 */
export const applyScript = new LuaScript(`
local head = redis.call('HMGET', KEYS[1], '@epoch', '@position', '@generation')
local position = head[2]
if not position or not head[3] or head[1] ~= ARGV[1] or position == '!' then return 'reload' end
if position ~= ARGV[2] then
  local to = ARGV[3]
  if #position > #to or (#position == #to and position >= to) then return 'done' end
  return 'reload'
end
redis.call('HSET', KEYS[1], '@position', '!')
local i = 5
local changes, bytes = {}, 0
for _ = 1, tonumber(ARGV[4]) do
  local field = ARGV[i]
  local sum = redis.call('HINCRBY', KEYS[1], field, ARGV[i + 1])
  local value = '0'
  if sum == 0 then
    redis.call('HDEL', KEYS[1], field)
  elseif sum > -9007199254740992 and sum < 9007199254740992 then
    value = string.format('%.0f', sum)
  else
    value = redis.call('HGET', KEYS[1], field)
  end
  bytes = bytes + #field + #value
  if bytes <= ${MOST_CHANGE_BYTES} then
    changes[#changes + 1] = field
    changes[#changes + 1] = value
  end
  i = i + 2
end
local names = KEYS[2] .. head[3]
while i < #ARGV do
  local set = names .. ':' .. ARGV[i]
  if ARGV[i + 2] == '' then
    redis.call('ZREM', set, ARGV[i + 1])
    if redis.call('EXISTS', set) == 0 then redis.call('SREM', names, ARGV[i]) end
  else
    redis.call('ZADD', set, ARGV[i + 2], ARGV[i + 1])
    redis.call('SADD', names, ARGV[i])
  end
  i = i + 3
end
if bytes <= ${MOST_CHANGE_BYTES} then
  local text = '[]'
  if #changes > 0 then text = cjson.encode(changes) end
  redis.call('XADD', KEYS[3], 'MAXLEN', '~', ${MOST_CHANGES}, '*',
    'from', ARGV[2], 'to', ARGV[3], 'generation', head[3], 'values', text)
end
redis.call('HSET', KEYS[1], '@position', ARGV[3])
return 'applied'
`);
