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
 * same reason HINCRBY takes its increment as a string; its reply may be rounded, but never to zero. What does not fit
 * into its 64 bits (millions of nodes times milliseconds since 1970 come near) is added digit by digit.
 *
 * Followers learn the new values from a capped stream. A batch too large for it leaves no entry: whoever follows finds
 * a gap between positions, and loads the totals anew.
 */
export const applyScript = new LuaScript(`
local function limbs(text)
  local negative = string.sub(text, 1, 1) == '-'
  if negative then text = string.sub(text, 2) end
  if not string.match(text, '^%d+$') then error('not an integer: ' .. text) end
  local found = {}
  for j = #text, 1, -7 do found[#found + 1] = tonumber(string.sub(text, math.max(1, j - 6), j)) end
  return negative, found
end
local function smaller(x, y)
  if #x ~= #y then return #x < #y end
  for j = #x, 1, -1 do
    if x[j] ~= y[j] then return x[j] < y[j] end
  end
  return false
end
local function exact(a, b)
  local negative, x = limbs(a)
  local other, y = limbs(b)
  local sum, carry = {}, 0
  if negative == other then
    for j = 1, math.max(#x, #y) do
      local v = (x[j] or 0) + (y[j] or 0) + carry
      carry = v >= 10000000 and 1 or 0
      sum[j] = v - carry * 10000000
    end
    if carry == 1 then sum[#sum + 1] = 1 end
  else
    if smaller(x, y) then x, y, negative = y, x, other end
    for j = 1, #x do
      local v = x[j] - (y[j] or 0) - carry
      carry = v < 0 and 1 or 0
      sum[j] = v + carry * 10000000
    end
    while #sum > 0 and sum[#sum] == 0 do sum[#sum] = nil end
    if #sum == 0 then return '0' end
  end
  local text = string.format('%d', sum[#sum])
  for j = #sum - 1, 1, -1 do text = text .. string.format('%07d', sum[j]) end
  return (negative and '-' or '') .. text
end
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
  local sum = redis.pcall('HINCRBY', KEYS[1], field, ARGV[i + 1])
  local value = '0'
  if type(sum) == 'table' then
    value = exact(redis.call('HGET', KEYS[1], field) or '0', ARGV[i + 1])
    if value == '0' then redis.call('HDEL', KEYS[1], field) else redis.call('HSET', KEYS[1], field, value) end
  elseif sum == 0 then
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
