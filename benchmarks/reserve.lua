-- A reservation each, with a fresh key and the next token of the file TOKENS, in turns. BODY is what is asked for.
local tokens = {}
local number = 0

function init()
  math.randomseed(os.time())
  for token in io.lines(os.getenv("TOKENS")) do tokens[#tokens + 1] = token end
  wrk.method = "POST"
  wrk.body = os.getenv("BODY")
  wrk.headers["Content-Type"] = "application/json"
end

function request()
  number = number + 1
  wrk.headers["Authorization"] = "Bearer " .. tokens[number % #tokens + 1]
  wrk.headers["Idempotency-Key"] = string.format("key-%d-%d", number, math.random(1000000000))
  return wrk.format()
end
