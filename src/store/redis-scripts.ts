/**
 * The commit of one shard. Its only declared key is the shard's tag, which routes it; the others are made from it, and
 * share its slot. Everything a commit checks comes before its first write, and a script is
 * applied and replicated whole or not at all. What could stop a script between two writes is asked for beforehand, too:
 * whether the user may run each command. A key of another type fails where the versions are compared, and memory that
 * is used up fails the first write alone.
 *
 * A checkpoint is three lines: epoch, build and position, and all of it as JSON. A state's head begins with 16 bytes: the build it belongs to and its version, 8 bytes each; its tiles begin with the
 * build. What belongs to another build than the checkpoint counts as absent.
 */

/**
 * ARGV: number of sections; of each section: fingerprint, expected build and position (empty: none), epoch, build and position, build,
 * checkpoint, time to live (empty: for ever), message, number of changes; of each change: entity, build and version it was
 * folded from (empty: absent), build and version it becomes, mode (a append, r replace, d delete, followed by t where
 * tiles are written), head, tiles.
 */
export const COMMIT_SCRIPT = `
local tag, at, sections, call = KEYS[1], 2, {}, redis.call
local function set(key, value, ttl)
  if ttl then call('SET', key, value, 'PX', ttl) else call('SET', key, value) end
end
if redis.acl_check_cmd then
  local allowed = redis.acl_check_cmd
  if not allowed('SET', tag, '') then return { 'forbidden', 'SET' } end
  if not allowed('SETRANGE', tag, 0, '') then return { 'forbidden', 'SETRANGE' } end
  if not allowed('APPEND', tag, '') then return { 'forbidden', 'APPEND' } end
  if not allowed('DEL', tag) then return { 'forbidden', 'DEL' } end
  if not allowed('PEXPIRE', tag, 1) then return { 'forbidden', 'PEXPIRE' } end
  if not allowed('PERSIST', tag) then return { 'forbidden', 'PERSIST' } end
  if not allowed(PUBLISH, tag .. 'i', '') then return { 'forbidden', PUBLISH } end
end
for index = 1, tonumber(ARGV[1]) do
  local count = tonumber(ARGV[at + 8])
  sections[index] = { at = at, count = count, key = tag .. 'c:' .. ARGV[at] }
  local epoch, position = string.match(call('GET', sections[index].key) or '', '^([^\\n]*)\\n([^\\n]*)\\n')
  sections[index].epoch, sections[index].position = epoch or '0', position or ''
  at = at + 9 + count * 6
end
for _, section in ipairs(sections) do
  if tonumber(section.epoch) > tonumber(ARGV[section.at + 2]) then
    return { 'fenced', ARGV[section.at], section.epoch }
  end
end
for _, section in ipairs(sections) do
  local fingerprint, build = ARGV[section.at], ARGV[section.at + 4]
  local moved = section.position ~= ARGV[section.at + 1]
  if not moved then
    local heads = tag .. 'h:' .. fingerprint .. ':'
    for change = section.at + 9, section.at + 8 + section.count * 6, 6 do
      local stored, from = call('GETRANGE', heads .. ARGV[change], 0, 15), ARGV[change + 1]
      if from == '' then moved = string.sub(stored, 1, 8) == build else moved = stored ~= from end
      if moved then break end
    end
  end
  if moved then return { 'moved', fingerprint, section.position } end
end
for _, section in ipairs(sections) do
  local first = section.at
  local fingerprint, build = ARGV[first], ARGV[first + 4]
  local ttl = ARGV[first + 6] ~= '' and ARGV[first + 6]
  local heads, tiles = tag .. 'h:' .. fingerprint .. ':', tag .. 't:' .. fingerprint .. ':'
  for change = first + 9, first + 8 + section.count * 6, 6 do
    local entity, from, mode = ARGV[change], ARGV[change + 1], ARGV[change + 3]
    local head, tile = heads .. entity, tiles .. entity
    local kind = string.sub(mode, 1, 1)
    if kind == 'd' then
      call('DEL', head, tile)
    else
      if kind == 'a' then
        call('SETRANGE', head, 0, ARGV[change + 2])
        call('APPEND', head, ARGV[change + 4])
        if ttl then call('PEXPIRE', head, ttl) else call('PERSIST', head) end
      else
        set(head, ARGV[change + 2] .. ARGV[change + 4], ttl)
      end
      if mode == kind .. 't' then
        set(tile, build .. ARGV[change + 5], ttl)
      elseif from == '' then
        call('DEL', tile)
      elseif ttl then
        call('PEXPIRE', tile, ttl)
      else
        call('PERSIST', tile)
      end
    end
  end
  call('SET', section.key, ARGV[first + 2] .. '\\n' .. ARGV[first + 3] .. '\\n' .. ARGV[first + 5])
  call(PUBLISH, tag .. 'i', ARGV[first + 7])
end
return { 'ok' }
`;
