use serde_json::{Value, json};

use super::*;
use crate::testing::{
    self, LEGACY_HEADERS, headers, legacy_request, modern_headers, modern_request,
};

type List = Vec<(String, Vec<u8>)>;

fn nonce() -> [u8; 16] {
    *b"sixteen bytes..."
}

/// Sends a request as a transport would. A call is reported as 200 and the tool's name.
fn send(catalog: &[u8], method: &str, headers: &List, body: &str) -> (u16, Value, HttpResponse) {
    let catalog = Catalog::new(catalog).unwrap();
    let request = Request {
        method,
        authority: None,
        headers,
    };
    let response = match check_head(&request, &catalog) {
        Err(response) => response,
        Ok(head) => match handle(&catalog, &head, body.as_bytes(), &mut nonce) {
            Outcome::Reply(response) => response,
            Outcome::Call(call) => {
                HttpResponse::json(200, json!({"call": call.name()}).to_string().into_bytes())
            }
        },
    };
    let length = response
        .headers
        .iter()
        .find(|(name, _)| *name == "content-length")
        .unwrap();
    assert_eq!(length.1, response.body.len().to_string());
    let json = if response.body.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(&response.body).unwrap()
    };
    (response.status, json, response)
}

fn post(headers: &List, body: &str) -> (u16, Value) {
    let (status, json, _) = send(&testing::catalog(), "POST", headers, body);
    (status, json)
}

fn error(headers: &List, body: &str) -> (u16, i64, Value, String) {
    let (status, json) = post(headers, body);
    assert_eq!(json["jsonrpc"], "2.0");
    let message = json["error"]["message"]
        .as_str()
        .unwrap_or_else(|| panic!("{body} gave {json}"));
    (
        status,
        json["error"]["code"].as_i64().unwrap(),
        json["id"].clone(),
        message.to_owned(),
    )
}

fn legacy() -> List {
    headers(&LEGACY_HEADERS)
}

fn with(mut list: List, more: &[(&str, &str)]) -> List {
    list.extend(headers(more));
    list
}

fn without(list: List, name: &str) -> List {
    list.into_iter()
        .filter(|(other, _)| !other.eq_ignore_ascii_case(name))
        .collect()
}

/// A session that `initialize` began with these parameters.
fn initialize(params: &str) -> (Value, String) {
    let (status, json, response) = send(
        &testing::catalog(),
        "POST",
        &legacy(),
        &legacy_request("initialize", params),
    );
    assert_eq!(status, 200);
    let id = response
        .headers
        .iter()
        .find(|(name, _)| *name == "mcp-session-id")
        .unwrap();
    (json["result"].clone(), id.1.clone().into_owned())
}

mod heads {
    use super::*;

    const DISCOVER: &str = "server/discover";

    fn status_of(method: &str, list: &List) -> (u16, String) {
        let (status, json, _) = send(
            &testing::catalog(),
            method,
            list,
            &modern_request(DISCOVER, "", ""),
        );
        assert_eq!(json.get("id").is_some(), status == 200);
        (
            status,
            json["error"]["message"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        )
    }

    #[test]
    fn only_post_is_served() {
        for method in ["GET", "DELETE", "OPTIONS", "PUT", "HEAD", "post"] {
            let (status, json, response) = send(&testing::catalog(), method, &legacy(), "");
            assert_eq!((status, &json["error"]["code"]), (405, &json!(-32600)));
            assert!(response.headers.contains(&("allow", "POST".into())));
        }
    }

    #[test]
    fn the_body_must_be_declared_as_json() {
        let list = modern_headers(DISCOVER, None);
        for media in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/json;charset=UTF-8",
        ] {
            let list = with(
                without(list.clone(), "content-type"),
                &[("content-type", media)],
            );
            assert_eq!(status_of("POST", &list).0, 200, "{media}");
        }
        assert_eq!(
            status_of("POST", &without(list.clone(), "content-type")).0,
            415
        );
        for media in [
            "",
            "text/plain",
            "application/jsonx",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
        ] {
            let list = with(
                without(list.clone(), "content-type"),
                &[("content-type", media)],
            );
            assert_eq!(status_of("POST", &list).0, 415, "{media}");
        }
    }

    #[test]
    fn the_client_must_accept_what_may_come() {
        let list = without(modern_headers(DISCOVER, None), "accept");
        assert_eq!(status_of("POST", &list).0, 200);
        assert_eq!(
            status_of("POST", &with(list.clone(), &[("accept", "*/*")])).0,
            200
        );
        let (status, message) = status_of("POST", &with(list, &[("accept", "application/json")]));
        assert_eq!(
            (status, &*message),
            (
                406,
                "`Accept` must list both `application/json` and `text/event-stream`"
            )
        );
    }

    #[test]
    fn declared_lengths_over_the_limit_are_refused() {
        let list = modern_headers(DISCOVER, None);
        let length = |length: usize| with(list.clone(), &[("content-length", &length.to_string())]);
        assert_eq!(status_of("POST", &length(MAX_BODY)).0, 200);
        assert_eq!(status_of("POST", &length(MAX_BODY + 1)).0, 413);
        assert_eq!(status_of("POST", &length(usize::MAX)).0, 413);
    }

    #[test]
    fn foreign_origins_are_refused_before_anything_else() {
        for origin in [
            "http://evil.example.com",
            "null",
            "http://localhost.evil.com",
        ] {
            for method in ["POST", "GET"] {
                let list = headers(&[("Origin", origin)]);
                assert_eq!(
                    status_of(method, &list),
                    (403, "this origin may not call the server".to_owned())
                );
            }
        }
        let list = modern_headers(DISCOVER, None);
        let local = [
            ("Origin", "http://localhost:3000"),
            ("Host", "localhost:3000"),
        ];
        assert_eq!(status_of("POST", &with(list.clone(), &local)).0, 200);
        let rebound = [
            ("Origin", "http://localhost:3000"),
            ("Host", "evil.example.com"),
        ];
        assert_eq!(status_of("POST", &with(list, &rebound)).0, 403);
    }

    #[test]
    fn the_authority_counts_as_host() {
        let bytes = testing::catalog();
        let catalog = Catalog::new(&bytes).unwrap();
        let list = with(
            modern_headers(DISCOVER, None),
            &[("Origin", "http://localhost")],
        );
        let status = |authority| {
            let request = Request {
                method: "POST",
                authority: Some(authority),
                headers: &list,
            };
            check_head(&request, &catalog).map_or_else(|response| response.status, |_| 200)
        };
        assert_eq!(status("localhost:3000"), 200);
        assert_eq!(status("evil.example.com"), 403);
    }

    #[test]
    fn headers_that_occur_twice_are_refused() {
        let list = with(modern_headers(DISCOVER, None), &[("mcp-method", DISCOVER)]);
        assert_eq!(
            status_of("POST", &list),
            (400, "header `mcp-method` occurs twice".to_owned())
        );
    }
}

mod bodies {
    use super::*;

    #[test]
    fn what_is_no_message_is_refused() {
        for body in ["", "nonsense", "{", "\u{feff}{}"] {
            let (status, code, id, _) = error(&legacy(), body);
            assert_eq!((status, code, id), (400, -32700, Value::Null), "{body}");
        }
        for (body, id) in [
            ("[]", Value::Null),
            (r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, Value::Null),
            (
                r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
                Value::Null,
            ),
            (r#"{"jsonrpc":"2.0","id":"a","method":1}"#, json!("a")),
            (
                r#"{"jsonrpc":"2.0","id":7,"method":"ping","params":[]}"#,
                json!(7),
            ),
        ] {
            let (status, code, got, _) = error(&legacy(), body);
            assert_eq!((status, code, got), (400, -32600, id), "{body}");
        }
    }

    #[test]
    fn an_id_that_could_not_be_read_is_left_out() {
        let (_, json) = post(&legacy(), "{");
        assert!(json.get("id").is_none());
    }

    #[test]
    fn large_bodies_are_refused() {
        let body = legacy_request("ping", &format!(r#"{{"a":"{}"}}"#, "x".repeat(MAX_BODY)));
        assert_eq!(error(&legacy(), &body).0, 413);
        let room = MAX_BODY - legacy_request("ping", r#"{"a":""}"#).len();
        let body = legacy_request("ping", &format!(r#"{{"a":"{}"}}"#, "x".repeat(room)));
        assert_eq!((body.len(), post(&legacy(), &body).0), (MAX_BODY, 200));
    }

    #[test]
    fn deep_bodies_are_refused() {
        let body = legacy_request("ping", &("[".repeat(100) + &"]".repeat(100)));
        let (status, code, id, message) = error(&legacy(), &body);
        assert_eq!((status, code, id), (400, -32600, json!(1)));
        assert_eq!(message, "the message nests deeper than 64 levels");
    }

    #[test]
    fn ids_come_back_as_they_were_written() {
        for id in [
            "0",
            "-7",
            "123456789012345678901234567890",
            r#""""#,
            r#""\u0061 b""#,
            r#""\"\\""#,
        ] {
            let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
            let (_, _, response) = send(&testing::catalog(), "POST", &legacy(), &body);
            assert_eq!(
                response.body,
                format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{{}}}}"#).into_bytes()
            );
        }
    }

    #[test]
    fn parameters_must_be_there_once() {
        for params in [
            r#"{"name":"zeta","name":"alpha"}"#,
            r#"{"name":"zeta","arguments":{},"arguments":{}}"#,
            r#"{"name":"zeta","_meta":{},"_meta":{}}"#,
        ] {
            let (status, code, id, _) = error(&legacy(), &legacy_request("tools/call", params));
            assert_eq!((status, code, id), (400, -32602, json!(1)), "{params}");
        }
    }
}

mod modern {
    use super::*;

    const VERSION: &str = "io.modelcontextprotocol/protocolVersion";
    const CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

    fn meta(meta: &Value) -> String {
        json!({"jsonrpc": "2.0", "id": 101, "method": "server/discover", "params": {"_meta": meta}})
            .to_string()
    }

    #[test]
    fn discovery_says_who_the_server_is() {
        let (status, json) = post(
            &modern_headers("server/discover", None),
            &modern_request("server/discover", "", ""),
        );
        assert_eq!(status, 200);
        assert_eq!(
            json,
            json!({"jsonrpc": "2.0", "id": 1, "result": {
                "resultType": "complete",
                "supportedVersions": ["2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26"],
                "capabilities": {"logging": {}, "tools": {}},
                "instructions": "be kind",
                "ttlMs": 300000,
                "cacheScope": "public",
                "_meta": {"io.modelcontextprotocol/serverInfo": {"name": "test", "version": "1.2.3"}},
            }})
        );
    }

    #[test]
    fn required_metadata_is_required() {
        let list = modern_headers("server/discover", None);
        for (meta_value, message) in [
            (
                json!({}),
                "`io.modelcontextprotocol/protocolVersion` is missing from `_meta`",
            ),
            (
                json!({CAPABILITIES: {}}),
                "`io.modelcontextprotocol/protocolVersion` is missing from `_meta`",
            ),
            (
                json!({VERSION: "2026-07-28"}),
                "`io.modelcontextprotocol/clientCapabilities` is missing from `_meta`",
            ),
            (
                json!({VERSION: 7, CAPABILITIES: {}}),
                "`io.modelcontextprotocol/protocolVersion` is not a string",
            ),
            (
                json!({VERSION: "2026-07-28", CAPABILITIES: []}),
                "`io.modelcontextprotocol/clientCapabilities` is not an object",
            ),
            (
                json!({VERSION: "2026-07-28", CAPABILITIES: {}, "io.modelcontextprotocol/clientInfo": "me"}),
                "`io.modelcontextprotocol/clientInfo` is not an object",
            ),
            (
                json!({VERSION: "2026-07-28", CAPABILITIES: {}, "io.modelcontextprotocol/logLevel": "loud"}),
                "unknown log level `\"loud\"`",
            ),
            (
                json!({VERSION: "2026-07-28", CAPABILITIES: {}, "progressToken": 1.5}),
                "`progressToken` is not a string or an integer",
            ),
            (json!([]), "`_meta` is not an object"),
        ] {
            assert_eq!(
                error(&list, &meta(&meta_value)),
                (400, -32602, json!(101), message.to_owned()),
                "{meta_value}"
            );
        }
        let bare = r#"{"jsonrpc":"2.0","id":101,"method":"server/discover","params":{}}"#;
        assert_eq!(error(&list, bare).1, -32602);
        let bare = r#"{"jsonrpc":"2.0","id":101,"method":"server/discover"}"#;
        assert_eq!(error(&list, bare).1, -32602);
    }

    #[test]
    fn who_the_client_is_may_stay_unsaid() {
        let list = modern_headers("server/discover", None);
        assert_eq!(
            post(
                &list,
                &meta(&json!({VERSION: "2026-07-28", CAPABILITIES: {}}))
            )
            .0,
            200
        );
    }

    #[test]
    fn unsupported_versions_get_the_list_of_others() {
        let list = with(
            without(
                modern_headers("server/discover", None),
                "mcp-protocol-version",
            ),
            &[("MCP-Protocol-Version", "v999.0.0")],
        );
        let supported = json!(["2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26"]);
        for body in [
            meta(&json!({VERSION: "v999.0.0", CAPABILITIES: {}})),
            legacy_request("tools/list", "{}"),
        ] {
            let (status, json) = post(&list, &body);
            assert_eq!((status, &json["error"]["code"]), (400, &json!(-32022)));
            assert_eq!(
                json["error"]["data"],
                json!({"supported": supported, "requested": "v999.0.0"})
            );
        }
    }

    #[test]
    fn the_version_header_must_say_what_the_body_says() {
        let list = modern_headers("server/discover", None);
        let body = meta(&json!({VERSION: "v999.0.0", CAPABILITIES: {}}));
        let (status, code, id, _) = error(&list, &body);
        assert_eq!((status, code, id), (400, -32020, json!(101)));
        let body = meta(&json!({VERSION: "2026-07-28", CAPABILITIES: {}}));
        let (status, code, _, message) = error(&without(list, "mcp-protocol-version"), &body);
        assert_eq!(
            (status, code, &*message),
            (400, -32020, "header `MCP-Protocol-Version` is missing")
        );
    }

    #[test]
    fn the_method_header_must_say_what_the_body_says() {
        let body = modern_request("tools/list", "", "");
        for method in ["prompts/list", "TOOLS/LIST", ""] {
            let (status, code, id, _) = error(&modern_headers(method, None), &body);
            assert_eq!((status, code, id), (400, -32020, json!(1)), "{method}");
        }
        let list = without(modern_headers("tools/list", None), "mcp-method");
        assert_eq!(error(&list, &body).3, "header `Mcp-Method` is missing");
        assert_eq!(
            post(&with(list, &[("MCP-METHOD", "  tools/list ")]), &body).0,
            200
        );
    }

    #[test]
    fn methods_of_other_revisions_are_unknown() {
        for method in [
            "initialize",
            "ping",
            "logging/setLevel",
            "resources/subscribe",
            "resources/unsubscribe",
            "unknown/method",
            "",
        ] {
            let (status, code, id, _) = error(
                &modern_headers(method, None),
                &modern_request(method, "", ""),
            );
            assert_eq!((status, code, id), (404, -32601, json!(1)), "{method}");
        }
    }

    #[test]
    fn sessions_mean_nothing() {
        let list = with(
            modern_headers("tools/list", None),
            &[("mcp-session-id", "whatever"), ("last-event-id", "7")],
        );
        let (status, _, response) = send(
            &testing::catalog(),
            "POST",
            &list,
            &modern_request("tools/list", "", ""),
        );
        assert_eq!(status, 200);
        assert!(
            !response
                .headers
                .iter()
                .any(|(name, _)| *name == "mcp-session-id")
        );
    }

    #[test]
    fn lists_have_cache_hints_and_pages() {
        let list = modern_headers("tools/list", None);
        let catalog = testing::catalog_with_pages_of(3);
        let (_, first, _) = send(
            &catalog,
            "POST",
            &list,
            &modern_request("tools/list", "", ""),
        );
        let result = &first["result"];
        assert_eq!(
            (
                &result["resultType"],
                &result["ttlMs"],
                &result["cacheScope"]
            ),
            (&json!("complete"), &json!(300000), &json!("public"))
        );
        let names = |json: &Value| {
            json["result"]["tools"]
                .as_array()
                .unwrap()
                .iter()
                .map(|tool| tool["name"].clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&first), ["zeta", "alpha", "two.query"]);
        let cursor = result["nextCursor"].as_str().unwrap();
        let params = format!(r#""cursor":"{cursor}","#);
        let (_, second, _) = send(
            &catalog,
            "POST",
            &list,
            &modern_request("tools/list", &params, ""),
        );
        assert_eq!(names(&second), ["two.plain"]);
        assert!(second["result"].get("nextCursor").is_none());

        let other = testing::catalog_with_pages_of(2);
        for (catalog, cursor) in [(&other, cursor), (&catalog, "bogus"), (&catalog, "")] {
            let params = format!(r#""cursor":"{cursor}","#);
            let (status, json, _) = send(
                catalog,
                "POST",
                &list,
                &modern_request("tools/list", &params, ""),
            );
            assert_eq!(
                (status, &json["error"]),
                (200, &json!({"code": -32602, "message": "invalid cursor"}))
            );
        }
        let (status, code, _, message) =
            error(&list, &modern_request("tools/list", r#""cursor":7,"#, ""));
        assert_eq!(
            (status, code, &*message),
            (400, -32602, "`cursor` is not a string")
        );
    }

    fn call(name: &str, arguments: &str) -> String {
        modern_request(
            "tools/call",
            &format!(r#""name":"{name}","arguments":{arguments},"#),
            "",
        )
    }

    #[test]
    fn calls_go_to_the_feature_without_the_prefix() {
        let list = modern_headers("tools/call", Some("two.plain"));
        assert_eq!(
            post(&list, &call("two.plain", "{}")),
            (200, json!({"call": "plain"}))
        );
        let encoded = modern_headers("tools/call", Some("=?base64?dHdvLnBsYWlu?="));
        assert_eq!(post(&encoded, &call("two.plain", "{}")).0, 200);
    }

    #[test]
    fn the_name_header_must_say_what_the_body_says() {
        for (list, message) in [
            (
                modern_headers("tools/call", None),
                "header `Mcp-Name` is missing",
            ),
            (
                modern_headers("tools/call", Some("alpha")),
                "header `Mcp-Name` is `alpha`, but the body says `zeta`",
            ),
            (
                modern_headers("tools/call", Some("=?base64?A?=")),
                "header `Mcp-Name` is not valid base64 of UTF-8 text",
            ),
        ] {
            assert_eq!(
                error(&list, &call("zeta", "{}")),
                (400, -32020, json!(1), message.to_owned())
            );
        }
    }

    #[test]
    fn parameter_headers_must_say_what_the_arguments_say() {
        let list = modern_headers("tools/call", Some("two.query"));
        let body = call("two.query", r#"{"region":"eu"}"#);
        assert_eq!(
            error(&list, &body),
            (
                400,
                -32020,
                json!(1),
                "header `mcp-param-region` is missing".to_owned()
            )
        );
        assert_eq!(
            error(&with(list.clone(), &[("Mcp-Param-Region", "us")]), &body).1,
            -32020
        );
        assert_eq!(
            post(&with(list, &[("Mcp-Param-Region", "eu")]), &body).0,
            200
        );
    }

    #[test]
    fn calls_that_cannot_be_made_are_refused() {
        let call = |params: &str, name| {
            error(
                &modern_headers("tools/call", name),
                &modern_request("tools/call", params, ""),
            )
        };
        let message = |text: &str| text.to_owned();
        assert_eq!(
            call(r#""name":"nobody","#, Some("nobody")),
            (200, -32602, json!(1), message("unknown tool `nobody`"))
        );
        assert_eq!(
            call(r#""name":"query","#, Some("query")),
            (200, -32602, json!(1), message("unknown tool `query`"))
        );
        assert_eq!(
            call("", None),
            (400, -32602, json!(1), message("`name` is missing"))
        );
        assert_eq!(
            call(r#""name":7,"#, None),
            (400, -32602, json!(1), message("`name` is not a string"))
        );
        for arguments in ["[]", "null", "\"{}\"", "1"] {
            let params = format!(r#""name":"zeta","arguments":{arguments},"#);
            assert_eq!(
                call(&params, Some("zeta")),
                (
                    400,
                    -32602,
                    json!(1),
                    message("`arguments` is not an object")
                )
            );
        }
        assert_eq!(
            call(r#""name":"zeta","inputResponses":[],"#, Some("zeta")),
            (
                400,
                -32602,
                json!(1),
                message("`inputResponses` is not an object")
            )
        );
        assert_eq!(
            call(r#""name":"zeta","requestState":"forged","#, Some("zeta")),
            (200, -32602, json!(1), message("invalid `requestState`"))
        );
    }

    #[test]
    fn long_names_do_not_come_back_whole() {
        let name = "x".repeat(100_000);
        let (_, _, _, message) = error(
            &modern_headers("tools/call", Some(&name)),
            &call(&name, "{}"),
        );
        assert!(message.len() < 200);
    }

    #[test]
    fn notifications_are_accepted_and_responses_are_not() {
        let list = modern_headers("notifications/x", None);
        let (status, json, response) = send(
            &testing::catalog(),
            "POST",
            &list,
            r#"{"jsonrpc":"2.0","method":"notifications/x"}"#,
        );
        assert_eq!((status, json), (202, Value::Null));
        assert_eq!(response.headers, [("content-length", Cow::Borrowed("0"))]);
        let (status, json) = post(&list, r#"{"jsonrpc":"2.0","id":1,"result":{}}"#);
        assert_eq!((status, json.get("id")), (400, None));
    }
}

mod legacy_clients {
    use super::*;

    const INITIALIZE: &str = r#"{"protocolVersion":"2025-11-25","capabilities":{"roots":{}},"clientInfo":{"name":"c","version":"1"}}"#;

    #[test]
    fn the_handshake_settles_a_version() {
        for (asked, settled) in [
            ("2025-11-25", "2025-11-25"),
            ("2025-06-18", "2025-06-18"),
            ("2025-03-26", "2025-03-26"),
            ("2024-11-05", "2025-11-25"),
            ("2026-07-28", "2025-11-25"),
            ("", "2025-11-25"),
        ] {
            let (result, id) = initialize(&INITIALIZE.replace("2025-11-25", asked));
            assert_eq!(
                result,
                json!({
                    "protocolVersion": settled,
                    "capabilities": {"logging": {}, "tools": {}},
                    "serverInfo": {"name": "test", "version": "1.2.3"},
                    "instructions": "be kind",
                })
            );
            assert!(id.bytes().all(|byte| (0x21..=0x7e).contains(&byte)));
        }
    }

    #[test]
    fn the_handshake_takes_headers_of_any_supported_version() {
        for version in ["2025-11-25", "2025-03-26", "2026-07-28"] {
            let list = with(legacy(), &[("MCP-Protocol-Version", version)]);
            assert_eq!(
                post(&list, &legacy_request("initialize", INITIALIZE)).0,
                200,
                "{version}"
            );
        }
        let list = with(legacy(), &[("MCP-Protocol-Version", "2024-11-05")]);
        assert_eq!(
            error(&list, &legacy_request("initialize", INITIALIZE)).0,
            400
        );
    }

    #[test]
    fn a_handshake_must_be_complete() {
        for params in [
            "{}",
            r#"{"protocolVersion":7}"#,
            r#"{"protocolVersion":"2025-11-25","capabilities":[]}"#,
        ] {
            let (status, code, id, _) = error(&legacy(), &legacy_request("initialize", params));
            assert_eq!((status, code, id), (200, -32602, json!(1)), "{params}");
        }
    }

    fn in_session(id: &str, more: &[(&str, &str)]) -> List {
        with(with(legacy(), &[("Mcp-Session-Id", id)]), more)
    }

    #[test]
    fn a_session_is_served() {
        let (_, id) = initialize(INITIALIZE);
        let list = in_session(&id, &[("MCP-Protocol-Version", "2025-11-25")]);
        assert_eq!(
            post(&list, &legacy_request("ping", "{}")),
            (200, json!({"jsonrpc": "2.0", "id": 1, "result": {}}))
        );
        assert_eq!(
            post(&in_session(&id, &[]), &legacy_request("ping", "{}")).0,
            200
        );
        let (status, json) = post(&list, &legacy_request("tools/list", "{}"));
        assert_eq!(status, 200);
        let mut members: Vec<_> = json["result"].as_object().unwrap().keys().collect();
        members.sort();
        assert_eq!(members, ["tools"]);
        assert_eq!(
            post(&list, &legacy_request("tools/call", r#"{"name":"alpha"}"#)),
            (200, json!({"call": "alpha"}))
        );
        assert_eq!(
            post(
                &list,
                r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#
            )
            .0,
            202
        );
    }

    #[test]
    fn the_version_of_a_session_stays() {
        let (_, id) = initialize(INITIALIZE);
        for version in ["2025-06-18", "2025-03-26"] {
            let list = in_session(&id, &[("MCP-Protocol-Version", version)]);
            let (status, code, _, message) = error(&list, &legacy_request("ping", "{}"));
            assert_eq!((status, code), (400, -32600));
            assert_eq!(
                message,
                "header `MCP-Protocol-Version` is not `2025-11-25`, which this session settled on"
            );
            assert_eq!(
                post(
                    &list,
                    r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#
                )
                .0,
                400
            );
        }
        let list = in_session(&id, &[("MCP-Protocol-Version", "1999-01-01")]);
        assert_eq!(error(&list, &legacy_request("ping", "{}")).1, -32022);
        assert_eq!(
            post(
                &list,
                r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#
            )
            .0,
            400
        );
    }

    #[test]
    fn unknown_sessions_are_not_found() {
        for id in ["", "1868a90c", "é", &"A".repeat(5000)] {
            let list = in_session(id, &[]);
            let (status, code, got, _) = error(&list, &legacy_request("tools/list", "{}"));
            assert_eq!((status, code, got), (404, -32600, json!(1)), "{id}");
            assert_eq!(
                post(
                    &list,
                    r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#
                )
                .0,
                404
            );
            assert_eq!(
                post(&list, r#"{"jsonrpc":"2.0","id":1,"result":{}}"#).0,
                404
            );
        }
    }

    #[test]
    fn without_a_session_requests_are_served_all_the_same() {
        for list in [
            legacy(),
            with(legacy(), &[("MCP-Protocol-Version", "2025-06-18")]),
        ] {
            assert_eq!(post(&list, &legacy_request("tools/list", "{}")).0, 200);
            assert_eq!(post(&list, &legacy_request("ping", "{}")).0, 200);
            assert_eq!(
                post(&list, r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#).0,
                200
            );
        }
    }

    #[test]
    fn errors_are_answers_of_their_own() {
        for (method, params, code) in [
            ("server/discover", "{}", -32601),
            ("resources/list", "{}", -32601),
            ("unknown", "{}", -32601),
            ("tools/call", "{}", -32602),
            ("tools/call", r#"{"name":"nobody"}"#, -32602),
            ("tools/call", r#"{"name":"zeta","arguments":[]}"#, -32602),
            ("tools/list", r#"{"cursor":"bogus"}"#, -32602),
            ("logging/setLevel", "{}", -32602),
            ("logging/setLevel", r#"{"level":"loud"}"#, -32602),
        ] {
            let (status, got, id, _) = error(&legacy(), &legacy_request(method, params));
            assert_eq!(
                (status, got, id),
                (200, code, json!(1)),
                "{method} {params}"
            );
        }
    }

    #[test]
    fn log_levels_are_accepted_where_there_are_logs() {
        let body = legacy_request("logging/setLevel", r#"{"level":"debug"}"#);
        assert_eq!(post(&legacy(), &body).1["result"], json!({}));
        let mut input = testing::input();
        input.features.remove(0);
        let quiet = crate::catalog::build(&input).unwrap();
        let (status, json, _) = send(&quiet, "POST", &legacy(), &body);
        assert_eq!((status, &json["error"]["code"]), (200, &json!(-32601)));
    }

    #[test]
    fn answers_to_requests_are_accepted() {
        let (_, id) = initialize(INITIALIZE);
        for list in [legacy(), in_session(&id, &[])] {
            assert_eq!(
                post(&list, r#"{"jsonrpc":"2.0","id":1,"result":{}}"#),
                (202, Value::Null)
            );
            assert_eq!(post(&list, r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#).0, 202);
        }
    }

    #[test]
    fn a_legacy_version_in_the_metadata_is_legacy() {
        let body = modern_request("tools/list", "", "").replace("2026-07-28", "2025-11-25");
        let list = with(legacy(), &[("MCP-Protocol-Version", "2025-11-25")]);
        let (status, json) = post(&list, &body);
        assert_eq!(status, 200);
        assert!(json["result"].get("resultType").is_none());
    }
}
