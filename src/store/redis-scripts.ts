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
 * ARGV: number of sections; what subscribers hear; of each section: fingerprint, expected build and position (empty: none), epoch,
 * build and position, build, checkpoint, time to live (empty: for ever), changes.
 *
 * Subscribers hear of a commit in one message, however many sections it has: whoever heard of some of them, and not yet of
 * the others, would know of no moment at which the shard was, and have to ask.
 *
 * The changes are one argument, as a commit holds hundreds, and each argument costs the client and Redis about as much as
 * what it holds. One after the other, as CHANGE reads them: lengths of entity, head and tiles, 4 bytes each; mode (a append, r
 * replace, d delete; in upper case where there are tiles: written with r, kept with a); versions it was folded from (0:
 * absent) and becomes, 8 bytes each; checksum that the head to append to ends in, 4 bytes as they are stored; then entity,
 * head, tiles.
 */
export const CHANGE_BYTES = 33;
export const COMMIT_SCRIPT = `
local tag, at, sections, call = KEYS[1], 3, {}, redis.call
local sub, unpack = string.sub, struct.unpack
local CHANGE, NONE = '<I4I4I4c1c8c8c4', string.rep('\\0', 8)
local function set(key, value, ttl)
  if ttl then call('SET', key, value, 'PX', ttl) else call('SET', key, value) end
end
local function keep(key, ttl)
  if ttl then call('PEXPIRE', key, ttl) else call('PERSIST', key) end
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
  sections[index] = { at = at, key = tag .. 'c:' .. ARGV[at] }
  local epoch, position = string.match(call('GET', sections[index].key) or '', '^([^\\n]*)\\n([^\\n]*)\\n')
  sections[index].epoch, sections[index].position = epoch or '0', position or ''
  at = at + 8
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
    local heads, changes, next = tag .. 'h:' .. fingerprint .. ':', ARGV[section.at + 7], 1
    while next <= #changes and not moved do
      local entities, head, tiles, mode, from, _, ending, body = unpack(CHANGE, changes, next)
      local key = heads .. sub(changes, body, body + entities - 1)
      local stored = call('GETRANGE', key, 0, 15)
      if from == NONE then
        moved = sub(stored, 1, 8) == build
      else
        moved = stored ~= build .. from or ((mode == 'a' or mode == 'A') and call('GETRANGE', key, -4, -1) ~= ending)
      end
      next = body + entities + head + tiles
    end
  end
  if moved then return { 'moved', fingerprint, section.position } end
end
for _, section in ipairs(sections) do
  local first = section.at
  local fingerprint, build = ARGV[first], ARGV[first + 4]
  local ttl = ARGV[first + 6] ~= '' and ARGV[first + 6]
  local heads, tiles = tag .. 'h:' .. fingerprint .. ':', tag .. 't:' .. fingerprint .. ':'
  local changes, next = ARGV[first + 7], 1
  while next <= #changes do
    local entity, head, tile, mode, from, to, _, body = unpack(CHANGE, changes, next)
    local headAt = body + entity
    local tileAt = headAt + head
    next = tileAt + tile
    local name = sub(changes, body, headAt - 1)
    local headBytes = sub(changes, headAt, tileAt - 1)
    head = heads .. name
    if mode == 'd' then
      call('DEL', head, tiles .. name)
    else
      if mode == 'a' or mode == 'A' then
        call('SETRANGE', head, 8, to)
        call('APPEND', head, headBytes)
        keep(head, ttl)
        if mode == 'A' then keep(tiles .. name, ttl) end
      else
        set(head, build .. to .. headBytes, ttl)
        if mode == 'R' then
          set(tiles .. name, build .. sub(changes, tileAt, next - 1), ttl)
        elseif from == NONE then
          call('DEL', tiles .. name)
        else
          keep(tiles .. name, ttl)
        end
      end
    end
  end
  call('SET', section.key, ARGV[first + 2] .. '\\n' .. ARGV[first + 3] .. '\\n' .. ARGV[first + 5])
end
call(PUBLISH, tag .. 'i', ARGV[2])
return { 'ok' }
`;
