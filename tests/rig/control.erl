%% Read by the broker once it has booted: opens its own control socket beside its configuration, and rings the bell.
%%
%% A request is an Erlang expression, an answer a byte (0: fine) and the value as JSON, both framed by four bytes of length. The
%% directory is private to the user, and so is the socket. A question costs a millisecond here, and half a second by rabbitmqctl.
Directory = filename:dirname(os:getenv("RABBITMQ_CONFIG_FILE")),

Plain = fun
    Plain(Value) when is_binary(Value); is_number(Value); is_boolean(Value) -> Value;
    Plain(Value) when is_atom(Value) -> atom_to_binary(Value, utf8);
    Plain({resource, _, _, Name}) -> Name;
    Plain([{Key, _} | _] = List) when is_atom(Key) -> maps:from_list([{K, Plain(V)} || {K, V} <- List]);
    Plain([{Key, _, _} | _] = List) when is_binary(Key) -> maps:from_list([{K, Plain(V)} || {K, _, V} <- List]);
    Plain(List) when is_list(List) ->
        case List =/= [] andalso io_lib:printable_unicode_list(List) of
            true -> unicode:characters_to_binary(List);
            false -> [Plain(It) || It <- List]
        end;
    Plain(Value) -> unicode:characters_to_binary(io_lib:format("~tp", [Value]))
end,

Answer = fun(Request) ->
    try
        {ok, Tokens, _} = erl_scan:string(unicode:characters_to_list(Request)),
        {ok, Expressions} = erl_parse:parse_exprs(Tokens),
        {value, Value, _} = erl_eval:exprs(Expressions, []),
        [0, rabbit_json:encode(Plain(Value))]
    catch
        Class:Reason -> [1, unicode:characters_to_binary(io_lib:format("~tp: ~tp", [Class, Reason]))]
    end
end,

Serve = fun Serve(Socket) ->
    case gen_tcp:recv(Socket, 0) of
        {ok, Request} ->
            _ = gen_tcp:send(Socket, Answer(Request)),
            Serve(Socket);
        {error, _} ->
            gen_tcp:close(Socket)
    end
end,

spawn(fun() ->
    Door = filename:join(Directory, "control"),
    {ok, Listener} = gen_tcp:listen(0, [{ifaddr, {local, Door}}, {backlog, 128}, binary, {packet, 4}, {active, false}]),
    {ok, Bell} = gen_tcp:connect({local, filename:join(Directory, "bell")}, 0, [binary]),
    ok = gen_tcp:close(Bell),
    Accept = fun Accept() ->
        {ok, Socket} = gen_tcp:accept(Listener),
        Server = spawn(fun() -> receive go -> Serve(Socket) end end),
        ok = gen_tcp:controlling_process(Socket, Server),
        Server ! go,
        Accept()
    end,
    Accept()
end).
