"""What Redis does in one step: looks and acts without anybody coming between."""

CLAIM = """
local found = {redis.call('set', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) and 1 or 0}
for at = 2, #KEYS do found[at] = redis.call('get', KEYS[at]) end
return found
"""
SEEK = """
local value = redis.call('get', KEYS[1])
if value then return value end
local lock = redis.pcall('set', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2])
return {lock and lock.err and -1 or lock and 1 or 0, redis.call('get', KEYS[3])}
"""
"""The value, or else whether its lock is the caller's now (1, 0; -1: Redis is full) and the generation."""
KEEP = """
local kept = 0
if (redis.call('get', KEYS[2]) or '') == ARGV[1] then
  kept = redis.pcall('set', KEYS[1], ARGV[2], 'PX', ARGV[3])
  if kept.ok then kept = 1 end
end
if KEYS[3] and redis.call('get', KEYS[3]) == ARGV[4] then redis.call('del', KEYS[3]) end
return kept
"""
"""A full Redis refuses the value; the lock is freed all the same, and the refusal is the answer."""
EXTEND = """
return redis.call('get', KEYS[1]) == ARGV[1] and redis.call('pexpire', KEYS[1], ARGV[2]) or 0
"""
RELEASE = """
return redis.call('get', KEYS[1]) == ARGV[1] and redis.call('del', KEYS[1]) or 0
"""
"""Compare and act in one step: a lock that ran out may be another's by now."""
