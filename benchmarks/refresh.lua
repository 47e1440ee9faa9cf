-- Refresh tokens that rotate: each answer has the one for a later request. TOKENS are the first ones, apart by spaces, and
-- more of them than connections, so that there is always one; MORE stands at the end of each form.
local waiting, first, last = {}, 1, 0
local headers = {
  ["Content-Type"] = "application/x-www-form-urlencoded",
  ["Authorization"] = os.getenv("AUTHORIZATION"),
}
local more = os.getenv("MORE")

local function put(token)
  last = last + 1
  waiting[last] = token
end

for token in os.getenv("TOKENS"):gmatch("%S+") do put(token) end

function request()
  local token = waiting[first]
  waiting[first] = nil
  first = first + 1
  return wrk.format("POST", nil, headers, "grant_type=refresh_token&refresh_token=" .. token .. more)
end

function response(status, _, body)
  local token = body:match('"refresh_token":"([^"]+)"')
  if token then put(token) end
end
