-- Asks the gateway whether a request may pass: its method and target stand in the question's address, its Host and the
-- fields that its client sent go along, so that no field of the client's decides. No answer, no way in.

-- of the connection between HAProxy and its client, or of the body, which stays here
local KEPT = {
    ["connection"] = true, ["content-length"] = true, ["transfer-encoding"] = true, ["expect"] = true, ["te"] = true,
    ["trailer"] = true, ["keep-alive"] = true, ["proxy-connection"] = true, ["upgrade"] = true,
    ["http2-settings"] = true,
}
-- of the answer itself
local OF_THE_ANSWER = {["content-length"] = true, ["connection"] = true, ["munjigi-remove"] = true, ["date"] = true}

local function listed(values)
    local list = {}
    for index = 0, #values do list[index + 1] = values[index] end
    return list
end

local function refuse(txn, answer)
    local reply = txn:reply({status = answer.status})
    for name, values in pairs(answer.headers) do
        if not OF_THE_ANSWER[name] then
            for _, value in ipairs(listed(values)) do reply:add_header(name, value) end
        end
    end
    reply:set_body(answer.body or "")
    txn:done(reply)
end

core.register_action("munjigi", {"http-req"}, function(txn, door)
    txn.http:req_del_header("client-cert")  -- what a client says of its own certificate
    local fields = {}
    for name, values in pairs(txn.http:req_get_headers()) do
        if not KEPT[name] then fields[name] = listed(values) end
    end
    fields["user-agent"] = fields["user-agent"] or {""}  -- otherwise it would be HAProxy's
    fields["x-forwarded-for"] = {txn.f:src()}
    local certificate = txn.sf:ssl_c_der()  -- believed where gateway.client_certificate_header says so
    if certificate ~= "" then fields["client-cert"] = {":" .. txn.sc:base64(certificate) .. ":"} end
    if (txn.sf:req_hdr("upgrade") or ""):lower() == "websocket" then fields["upgrade"] = {"websocket"} end

    local answer = core.httpclient():get{
        url = "http://" .. door .. "/haproxy/" .. txn.f:method() .. txn.f:pathq(),
        headers = fields,
    }
    if not answer or not answer.status or answer.status == 0 then return end
    if answer.status ~= 200 then
        refuse(txn, answer)
        return
    end
    for _, names in ipairs(listed(answer.headers["munjigi-remove"] or {})) do
        for name in names:gmatch("[^,]+") do txn.http:req_del_header(name) end
    end
    for name, values in pairs(answer.headers) do
        if not OF_THE_ANSWER[name] then txn.http:req_set_header(name, values[0]) end
    end
    txn:set_var("txn.munjigi_id", answer.headers["munjigi-correlation-id"][0])
    txn:set_var("txn.munjigi_passes", true)
end, 1)
