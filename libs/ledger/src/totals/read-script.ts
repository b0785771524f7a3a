import { LuaScript } from './lua-script.js';

/**
 * Reads totals at one instant. KEYS: totals, prefix of the member sets. ARGV: prefix of the wanted amounts' fields,
 * prefix of the wanted member sets' names ('-' for none), now (ms).
 *
 * Returns position, epoch, [field, value, ...], [set name, members up to now, members after now, lowest score, ...];
 * an empty list when there are no totals. Values are strings: a reply number would be rounded above 2^53.
 */
export const readScript = new LuaScript(`
local head = redis.call('HMGET', KEYS[1], '@position', '@epoch', '@generation')
if not head[1] or not head[2] or not head[3] then return {} end
local amounts = {}
local wanted = #ARGV[1]
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  if string.sub(all[i], 1, 1) ~= '@' and string.sub(all[i], 1, wanted) == ARGV[1] then
    amounts[#amounts + 1] = all[i]
    amounts[#amounts + 1] = all[i + 1]
  end
end
local sets = {}
if ARGV[2] ~= '-' then
  wanted = #ARGV[2]
  local names = KEYS[2] .. head[3]
  for _, name in ipairs(redis.call('SMEMBERS', names)) do
    if string.sub(name, 1, wanted) == ARGV[2] then
      local set = names .. ':' .. name
      local due = redis.call('ZCOUNT', set, '-inf', ARGV[3])
      sets[#sets + 1] = name
      sets[#sets + 1] = tostring(due)
      sets[#sets + 1] = tostring(redis.call('ZCARD', set) - due)
      sets[#sets + 1] = redis.call('ZRANGE', set, 0, 0, 'WITHSCORES')[2] or ''
    end
  end
end
return {head[1], head[2], amounts, sets}
`);
