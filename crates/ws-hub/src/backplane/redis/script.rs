//! What happens to a room's history within the server, at once or not at all.
//!
//! A room has a hash with its epoch `e`, its last offset `o` and the bytes `b` of its list, and a list of its messages,
//! each `time offset stored`. Offsets have no holes, so a message is found by counting from the list's end.
//!
//! The scripts are sent whole with each call, some hundred bytes: by its digest alone a script may be unknown to the server
//! after a restart or a failover, and sending it again would change the order.

/// Appends and publishes. KEYS: hash, list. ARGV: channel, stored, fresh epoch, messages, bytes, age and position age in ms.
pub(super) const APPEND: &str = "\
local t=redis.call('TIME')
local m=redis.call('HMGET',KEYS[1],'e','o','b')
local e,o,b=m[1],tonumber(m[2] or 0)+1,tonumber(m[3] or 0)
if not e then e=ARGV[3] o=1 b=0 redis.call('DEL',KEYS[2]) end
o=string.format('%.0f',o)
local v=t[1]..string.format('%03d',math.floor(t[2]/1000))..' '..o..' '..ARGV[2]
local n=redis.call('RPUSH',KEYS[2],v)
if n==1 then b=0 end
b=b+#v
while n>tonumber(ARGV[4]) or (n>0 and b>tonumber(ARGV[5])) do b=b-#redis.call('LPOP',KEYS[2]) n=n-1 end
redis.call('HSET',KEYS[1],'e',e,'o',o,'b',string.format('%.0f',b))
redis.call('PEXPIRE',KEYS[2],ARGV[6])
redis.call('PEXPIRE',KEYS[1],ARGV[7])
redis.call('PUBLISH',ARGV[1],'R'..e..o..' '..ARGV[2])
return {e,o}";

/// Reads. KEYS: hash, list. ARGV: epoch and offset or two empty strings, limit, age and position age in ms, fresh epoch.
/// Gives whether it is exact, epoch, last offset, messages. A room that never had a message is kept in mind for the age alone: whoever
/// names rooms must not fill the server with them.
pub(super) const READ: &str = "\
local t=redis.call('TIME')
local d=t[1]*1000+math.floor(t[2]/1000)-ARGV[4]
local m=redis.call('HMGET',KEYS[1],'e','o')
local e,o=m[1],tonumber(m[2] or 0)
if not e then e=ARGV[6] o=0 redis.call('HSET',KEYS[1],'e',e,'o',0,'b',0) redis.call('DEL',KEYS[2]) end
redis.call('PEXPIRE',KEYS[1],o>0 and ARGV[5] or ARGV[4])
local s=string.format('%.0f',o)
local function age(v) return tonumber(string.match(v,'^%d+')) end
local n=tonumber(ARGV[3])
if ARGV[1]=='' then
  local l=n>0 and redis.call('LRANGE',KEYS[2],-n,-1) or {}
  local r={}
  for _,v in ipairs(l) do if age(v)>d then r[#r+1]=v end end
  return {1,e,s,r}
end
local k=o-tonumber(ARGV[2])
if ARGV[1]~=e or k<0 or k>n then return {0,e,s,{}} end
if k==0 then return {1,e,s,{}} end
local l=redis.call('LRANGE',KEYS[2],-k,-1)
if #l<k or age(l[1])<=d then return {0,e,s,{}} end
return {1,e,s,l}";
