-- A request each with the next token of the file TOKENS, from line FIRST on, COUNT of them, in turns.
local requests = {}
local number = 0

function init()
  local first, count = tonumber(os.getenv("FIRST")), tonumber(os.getenv("COUNT"))
  local line = 0
  for token in io.lines(os.getenv("TOKENS")) do
    if line >= first and line < first + count then
      wrk.headers["Authorization"] = "Bearer " .. token
      requests[#requests + 1] = wrk.format()
    end
    line = line + 1
  end
end

function request()
  number = number % #requests + 1
  return requests[number]
end
