import { LuaScript } from './lua-script.js';

/** `there`: whole totals of the same epoch stand at the position or further on; `torn`: the shadow is not what was loaded into it. */
export type SwapOutcome = 'swapped' | 'there' | 'torn';

/**
 * Puts a loaded generation in the place of the totals. KEYS: totals, shadow totals, prefix of the member sets. ARGV:
 * generation, epoch, position, number of fields, of member sets, of members.
 *
 * Totals that are whole are not replaced by the same: a process that was stopped while it loaded them, and goes on when
 * another has long done it, would change their generation under everybody who reads them, for nothing.
 *
 * Whatever is loaded expires by itself until it is swapped in, so an abandoned load leaves nothing behind; a load so
 * slow that a part of it expired, or that a FLUSHALL went through, is found by counting.
 */
export const swapScript = new LuaScript(`
local names = redis.call('SMEMBERS', KEYS[3] .. ARGV[1])
if redis.call('HLEN', KEYS[2]) ~= tonumber(ARGV[4]) or #names ~= tonumber(ARGV[5]) then return 'torn' end
local members = 0
for _, name in ipairs(names) do members = members + redis.call('ZCARD', KEYS[3] .. ARGV[1] .. ':' .. name) end
if members ~= tonumber(ARGV[6]) then return 'torn' end
local head = redis.call('HMGET', KEYS[1], '@epoch', '@position', '@generation')
local position, to = head[2], ARGV[3]
if head[1] == ARGV[2] and head[3] and position and position ~= '!'
  and (#position > #to or (#position == #to and position >= to)) then
  return 'there'
end
redis.call('PERSIST', KEYS[3] .. ARGV[1])
for _, name in ipairs(names) do redis.call('PERSIST', KEYS[3] .. ARGV[1] .. ':' .. name) end
redis.call('PERSIST', KEYS[2])
redis.call('RENAME', KEYS[2], KEYS[1])
if head[3] and head[3] ~= ARGV[1] then
  local old = KEYS[3] .. head[3]
  for _, name in ipairs(redis.call('SMEMBERS', old)) do redis.call('UNLINK', old .. ':' .. name) end
  redis.call('UNLINK', old)
end
return 'swapped'
`);
