/**
 * The two scripts: a commit and a read of one shard. Their only declared key is the shard's tag, which routes them; the
 * others are made from it, and share its slot. Everything a commit checks comes before its first write, and a script is
 * applied and replicated whole or not at all. What could stop a script between two writes is asked for beforehand, too:
 * whether the user may run each command. A key of another type fails where the versions are compared, and memory that
 * is used up fails the first write alone.
 *
 * A state's head begins with 16 bytes: the build it belongs to and its version, 8 bytes each; its tiles begin with the
 * build. What belongs to another build than the checkpoint counts as absent.
 */

/**
 * ARGV: number of sections; of each section: fingerprint, expected position (empty: none), epoch, position, build,
 * checkpoint, time to live (empty: for ever), message, number of changes; of each change: entity, build and version it was
 * folded from (empty: absent), build and version it becomes, mode (a append, r replace, d delete, followed by t where
 * tiles are written), head, tiles.
 */
export const COMMIT_SCRIPT = `
local tag, at, sections = KEYS[1], 2, {}
if redis.acl_check_cmd then
  local allowed = redis.acl_check_cmd
  if not allowed('SET', tag, '') then return { 'forbidden', 'SET' } end
  if not allowed('SETRANGE', tag, 0, '') then return { 'forbidden', 'SETRANGE' } end
  if not allowed('APPEND', tag, '') then return { 'forbidden', 'APPEND' } end
  if not allowed('DEL', tag) then return { 'forbidden', 'DEL' } end
  if not allowed('PEXPIRE', tag, 1) then return { 'forbidden', 'PEXPIRE' } end
  if not allowed('PERSIST', tag) then return { 'forbidden', 'PERSIST' } end
  if not allowed('HSET', tag, '', '') then return { 'forbidden', 'HSET' } end
  if not allowed(PUBLISH, tag .. 'i', '') then return { 'forbidden', PUBLISH } end
end
for index = 1, tonumber(ARGV[1]) do
  local count = tonumber(ARGV[at + 8])
  sections[index] = { at = at, count = count, key = tag .. 'c:' .. ARGV[at] }
  sections[index].stored = redis.call('HMGET', sections[index].key, 'epoch', 'position')
  at = at + 9 + count * 6
end
for _, section in ipairs(sections) do
  local epoch = section.stored[1]
  if epoch and tonumber(epoch) > tonumber(ARGV[section.at + 2]) then return { 'fenced', ARGV[section.at], epoch } end
end
for _, section in ipairs(sections) do
  local fingerprint, build = ARGV[section.at], ARGV[section.at + 4]
  local moved = (section.stored[2] or '') ~= ARGV[section.at + 1]
  if not moved then
    local heads = tag .. 'h:' .. fingerprint .. ':'
    for change = section.at + 9, section.at + 8 + section.count * 6, 6 do
      local stored, from = redis.call('GETRANGE', heads .. ARGV[change], 0, 15), ARGV[change + 1]
      if from == '' then moved = string.sub(stored, 1, 8) == build else moved = stored ~= from end
      if moved then break end
    end
  end
  if moved then return { 'moved', fingerprint, section.stored[2] } end
end
for _, section in ipairs(sections) do
  local first = section.at
  local fingerprint, build, ttl = ARGV[first], ARGV[first + 4], ARGV[first + 6]
  local heads, tiles = tag .. 'h:' .. fingerprint .. ':', tag .. 't:' .. fingerprint .. ':'
  for change = first + 9, first + 8 + section.count * 6, 6 do
    local entity, from, mode = ARGV[change], ARGV[change + 1], ARGV[change + 3]
    local head, tile = heads .. entity, tiles .. entity
    local kind = string.sub(mode, 1, 1)
    if kind == 'd' then
      redis.call('DEL', head, tile)
    else
      if kind == 'a' then
        redis.call('SETRANGE', head, 0, ARGV[change + 2])
        redis.call('APPEND', head, ARGV[change + 4])
      else
        redis.call('SET', head, ARGV[change + 2] .. ARGV[change + 4])
      end
      if mode == kind .. 't' then
        redis.call('SET', tile, build .. ARGV[change + 5])
      elseif from == '' then
        redis.call('DEL', tile)
      end
      if ttl ~= '' then
        redis.call('PEXPIRE', head, ttl)
        redis.call('PEXPIRE', tile, ttl)
      else
        redis.call('PERSIST', head)
        redis.call('PERSIST', tile)
      end
    end
  end
  redis.call('HSET', section.key, 'epoch', ARGV[first + 2], 'position', ARGV[first + 3], 'checkpoint', ARGV[first + 5])
  redis.call(PUBLISH, tag .. 'i', ARGV[first + 7])
end
return { 'ok' }
`;

/** ARGV: number of sections; of each: fingerprint, number of entities, entities. Answers per section: checkpoint, then head and tiles of each. */
export const READ_SCRIPT = `
local tag, at, answers = KEYS[1], 2, {}
for index = 1, tonumber(ARGV[1]) do
  local fingerprint, count = ARGV[at], tonumber(ARGV[at + 1])
  local heads, tiles = tag .. 'h:' .. fingerprint .. ':', tag .. 't:' .. fingerprint .. ':'
  local answer = { redis.call('HGET', tag .. 'c:' .. fingerprint, 'checkpoint') }
  for entity = at + 2, at + 1 + count do
    answer[#answer + 1] = redis.call('GET', heads .. ARGV[entity])
    answer[#answer + 1] = redis.call('GET', tiles .. ARGV[entity])
  end
  answers[index] = answer
  at = at + 2 + count
end
return answers
`;
