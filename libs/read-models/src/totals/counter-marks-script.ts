import { LuaScript } from '@quipu/ledger';

/** Marks by total, beside the totals they are about: the same hash tag. */
export const MARKS_KEY = '{quipu}:marks';

/** Most marks that are kept; totals beyond show what they are. */
export const MOST_MARKS = 100_000;

/** How long a mark stands that is more than twice the truth, ms. */
export const MARK_HOLDS_MS = 3_600_000;

/**
 * Raises marks, and tells those that stand above the truth. KEYS: the hash of marks. ARGV: id of the log, now (ms), then
 * per total its field, the truth, the mark that the caller knows if it is above the truth ('' if not), and when that
 * mark last gave way (ms, '' if never).
 *
 * A field holds `<mark> <since when it is more than twice the truth> <when it last gave way>`, the latter two empty where
 * they are not so. Marks of another log are dropped. What a caller knows counts unless the mark has given way since: so
 * whoever is still there puts back what Redis has lost.
 *
 * Values are decimal strings of any length, compared as such; only whether one is twice another is decided roughly.
 *
 * Returns how often anything was written, whether it was now (1 or 0), and per total that shows other than the truth
 * alone: its place from 0, the mark, when it last gave way.
 */
export const raiseMarksScript = new LuaScript(`
local function less(a, b)
  if #a ~= #b then return #a < #b end
  return a < b
end
local key, now = KEYS[1], ARGV[2]
if redis.call('HGET', key, '@log') ~= ARGV[1] then
  redis.call('DEL', key)
  redis.call('HSET', key, '@log', ARGV[1])
end
local fields = {}
for i = 3, #ARGV, 4 do fields[#fields + 1] = ARGV[i] end
local known = redis.call('HMGET', key, unpack(fields))
local room = ${MOST_MARKS} - redis.call('HLEN', key)
local writes, reply = {}, {'0', '0'}
for i, field in ipairs(fields) do
  local at = 4 * i - 1
  local truth, floor, gave = ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  local mark, above, created = string.match(known[i] or '', '^(%d+) (%d*) (%d*)$')
  if not mark then mark, above, created = '0', '', '' end
  if floor ~= '' and not less(gave, created) and less(mark, floor) then mark, created = floor, gave end
  if not less(truth, mark) then
    mark, above = truth, ''
  elseif tonumber(mark) <= 2 * tonumber(truth) then
    above = ''
  elseif above == '' then
    above = now
  elseif tonumber(now) - tonumber(above) >= ${MARK_HOLDS_MS} then
    mark, above, created = truth, '', now
  end
  local after = mark .. ' ' .. above .. ' ' .. created
  if known[i] then
    if after ~= known[i] then
      writes[#writes + 1] = field
      writes[#writes + 1] = after
    end
  elseif mark ~= '0' and room > 0 then
    room = room - 1
    writes[#writes + 1] = field
    writes[#writes + 1] = after
  end
  if mark ~= truth or created ~= '' then
    reply[#reply + 1] = tostring(i - 1)
    reply[#reply + 1] = mark
    reply[#reply + 1] = created
  end
end
if #writes > 0 then
  redis.call('HSET', key, unpack(writes))
  redis.call('HINCRBY', key, '@writes', 1)
  reply[2] = '1'
end
reply[1] = redis.call('HGET', key, '@writes') or '0'
return reply
`);
