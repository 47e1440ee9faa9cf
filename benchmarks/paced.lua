-- Requests at a pace: each connection waits INTERVAL milliseconds (a fraction is thrown for) between two of them,
-- whatever the last answer took, as people do who do not know of each other.
local interval = tonumber(os.getenv("INTERVAL"))

function delay()
  local whole = math.floor(interval)
  if math.random() < interval - whole then whole = whole + 1 end
  return whole
end
