use proptest::prelude::*;

use super::*;

#[test]
fn the_expansions_that_rfc_6570_shows_match() {
    for (template, uri) in [
        ("{var}", "value"),
        ("{hello}", "Hello%20World%21"),
        ("{half}", "50%25"),
        ("O{empty}X", "OX"),
        ("O{undef}X", "OX"),
        ("{x,y}", "1024,768"),
        ("?{x,empty}", "?1024,"),
        ("{var:3}", "val"),
        ("{list}", "red,green,blue"),
        ("{keys*}", "semi=%3B,dot=.,comma=%2C"),
        ("{base}index", "http%3A%2F%2Fexample.com%2Fhome%2Findex"),
        ("{+base}index", "http://example.com/home/index"),
        ("here?ref={+path}", "here?ref=/foo/bar"),
        ("up{+path}{var}/here", "up/foo/barvalue/here"),
        ("{+x,hello,y}", "1024,Hello%20World!,768"),
        ("{#var}", "#value"),
        ("foo{#empty}", "foo#"),
        ("foo{#undef}", "foo"),
        ("{#path,x}/here", "#/foo/bar,1024/here"),
        ("X{.var}", "X.value"),
        ("X{.empty}", "X."),
        ("www{.dom*}", "www.example.com"),
        ("X{.keys*}", "X.semi=%3B.dot=..comma=%2C"),
        ("{/var}", "/value"),
        ("{/var,x}/here", "/value/1024/here"),
        ("{/var,empty}", "/value/"),
        ("{/list*}", "/red/green/blue"),
        ("{/list*,path:4}", "/red/green/blue/%2Ffoo"),
        ("{;x,y,empty}", ";x=1024;y=768;empty"),
        ("{;list*}", ";list=red;list=green;list=blue"),
        ("{;keys*}", ";semi=%3B;dot=.;comma=%2C"),
        ("{?x,y,empty}", "?x=1024&y=768&empty="),
        ("{?x,y,undef}", "?x=1024&y=768"),
        ("{?list*}", "?list=red&list=green&list=blue"),
        ("{?keys*}", "?semi=%3B&dot=.&comma=%2C"),
        ("?fixed=yes{&x}", "?fixed=yes&x=1024"),
        ("{&var:3}", "&var=val"),
        ("{&keys*}", "&semi=%3B&dot=.&comma=%2C"),
    ] {
        assert!(matches(template, uri), "{template} {uri}");
        check(template).unwrap_or_else(|problem| panic!("{template}: {problem}"));
    }
}

#[test]
fn templates_without_expressions_match_themselves() {
    assert!(matches("a:b", "a:b"));
    assert!(matches("", ""));
    for uri in ["", "a:", "a:bc", "A:b", "ba:b"] {
        assert!(!matches("a:b", uri), "{uri}");
    }
}

#[test]
fn an_expression_ends_where_its_characters_do() {
    for (template, uri) in [
        ("test://template/{id}/data", "test://template/1/2/data"),
        ("test://template/{id}/data", "test://template/1/data/"),
        ("test://template/{id}/data", "test://template/1"),
        ("test://template/{id}/data", "test://other/1/data"),
        ("a:{b}", "a:b?c"),
        ("a:{b}", "a:b#c"),
        ("a:{.b}", "a:b"),
        ("a:{.b}", "a:.b/c"),
        ("a:{/b}", "a:b"),
        ("a:{/b,c}", "a:/b/c/d"),
        ("a:{/b*}", "a:/b?c"),
        ("a:{#b}", "a:b"),
        ("a:{?b,c}", "a:?d=1"),
        ("a:{?b,c}", "a:?b=1&d=1"),
        ("a:{?b}", "a:?bb=1"),
        ("a:{?b}", "a:?b=1#c"),
        ("a:{?b}", "a:?"),
        ("a:{?b}", "a:b=1"),
        ("a:{&b}", "a:?b=1"),
        ("a:{;b}", "a:;b=1/2"),
        ("a:{;b}", "a:;c"),
        ("a:{?b*}", "a:?x#y"),
    ] {
        assert!(!matches(template, uri), "{template} {uri}");
    }
}

#[test]
fn what_careless_clients_send_matches() {
    for (template, uri) in [
        ("weather://{city}/now", "weather://São Paulo/now"),
        ("time:{zone}", "time:Europe%2FVienna"),
        ("a:{?b,c}", "a:?c=1&b=2"),
        ("a:{?b,c}", "a:?b&c=/?=,"),
        ("a:{?b}&c=1", "a:?b=1&b=2&c=1"),
        ("a:{b:3}", "a:long"),
        ("a:ü/{b}", "a:ü/x"),
        ("a:ü/{b}", "a:%C3%bc/x"),
    ] {
        assert!(matches(template, uri), "{template} {uri}");
    }
    assert!(!matches("a:ü/{b}", "a:%C3%bd/x"));
    assert!(!matches("a:u/{b}", "a:%75/x"));
}

#[test]
fn what_is_wrong_with_a_template_is_said() {
    let long = "a".repeat(MAX_TEMPLATE + 1);
    for (template, problem) in [
        ("", "it is empty"),
        (long.as_str(), "it has 2049 bytes; it may have 2048"),
        ("a:{b", "a `{` is never closed; add a `}`"),
        ("a:b}", "a `}` closes nothing; write it as `%7D`"),
        (
            "a:%4",
            "a `%` has no two hexadecimal digits after it; write it as `%25`",
        ),
        (
            "a:é%zz",
            "a `%` has no two hexadecimal digits after it; write it as `%25`",
        ),
        (
            "a:b c",
            "it contains ` ` outside of `{}`; percent-encode it",
        ),
        (
            "a:\n",
            "it contains `\\n` outside of `{}`; percent-encode it",
        ),
        (
            "a:{=b}",
            "the operator `=` is reserved; use one of `+ # . / ; ? &`, or none",
        ),
        (
            "a:{}",
            "`` is not the name of a variable; it takes `A-Z a-z 0-9 _`, dots between them, and percent-encoded bytes",
        ),
        (
            "a:{?b,}",
            "`` is not the name of a variable; it takes `A-Z a-z 0-9 _`, dots between them, and percent-encoded bytes",
        ),
        (
            "a:{b{c}}",
            "`b{c` is not the name of a variable; it takes `A-Z a-z 0-9 _`, dots between them, and percent-encoded bytes",
        ),
        (
            "a:{b:0}",
            "`b:0` has no prefix length from 1 to 9999 after its colon",
        ),
        (
            "a:{b:10000}",
            "`b:10000` has no prefix length from 1 to 9999 after its colon",
        ),
    ] {
        assert_eq!(check(template).unwrap_err(), problem);
    }
    for name in [
        "b-c", "b..c", ".", "b.", "b*c", "b**", "b:1*", "b*:1", "b ", "é", "%4", "?b",
    ] {
        assert!(check(&format!("a:{{x,{name}}}")).is_err(), "{name}");
    }
    for template in ["a:{+b.c_1,%4a*,d:9999}", "a:é'%20()[]~{b}{/c}{?d}", "{+b}"] {
        assert_eq!(check(template), Ok(()), "{template}");
    }
}

#[test]
fn hostile_input_takes_bounded_time() {
    let start = std::time::Instant::now();
    let uri = format!("{}!", "/".repeat(MAX_URI - 1));
    for part in ["{a}", "{+a}", "{/a,b,c}", "{/a*}", "{;a,b}", "/", "{a}/"] {
        let template = format!(
            "{{+x}}{}{{b}}#",
            part.repeat((MAX_TEMPLATE - 8) / part.len())
        );
        assert!(!matches(&template, &uri), "{part}");
    }
    let uri = "&a".repeat(MAX_URI / 2);
    let names = vec!["a"; (MAX_TEMPLATE - 10) / 2].join(",");
    assert!(matches(&format!("{{+x}}{{&{names}}}"), &uri));
    assert!(!matches("{a}", &"a".repeat(MAX_URI + 1)));
    assert!(!matches(
        &"a".repeat(MAX_TEMPLATE + 1),
        &"a".repeat(MAX_TEMPLATE + 1)
    ));
    // Backtracking would take too long.
    assert!(start.elapsed().as_secs() < 60);
}

/// A variable's value, as RFC 6570 knows them.
#[derive(Clone, Debug)]
enum Assigned {
    Undefined,
    Text(String),
    List(Vec<String>),
    Map(Vec<(String, String)>),
}

/// An expansion as section 3.2 of RFC 6570 words it.
fn expand(operator: &str, variables: &[(String, Assigned, bool)]) -> String {
    let (first, separator, named, if_empty, reserved) = match operator {
        "+" => ("", ",", false, "", true),
        "#" => ("#", ",", false, "", true),
        "." => (".", ".", false, "", false),
        "/" => ("/", "/", false, "", false),
        ";" => (";", ";", true, "", false),
        "?" => ("?", "&", true, "=", false),
        "&" => ("&", "&", true, "=", false),
        _ => ("", ",", false, "", false),
    };
    let encode = |text: &str| {
        let mut out = String::new();
        for &byte in text.as_bytes() {
            let keep = byte.is_ascii_alphanumeric()
                || b"-._~".contains(&byte)
                || (reserved && b":/?#[]@!$&'()*+,;=".contains(&byte));
            if keep {
                out.push(byte.into());
            } else {
                out.push_str(&format!("%{byte:02X}"));
            }
        }
        out
    };
    let pair = |name: &str, value: &str| match (named, value) {
        (false, value) => value.to_owned(),
        (true, "") => format!("{name}{if_empty}"),
        (true, value) => format!("{name}={value}"),
    };
    let mut parts = Vec::new();
    for (name, value, explode) in variables {
        match value {
            Assigned::Undefined => {}
            Assigned::Text(text) => parts.push(pair(name, &encode(text))),
            Assigned::List(list) if *explode => {
                parts.extend(list.iter().map(|text| pair(name, &encode(text))));
            }
            Assigned::Map(map) if *explode => {
                let entries = map.iter().map(|(key, text)| match (named, text.as_str()) {
                    (true, "") => format!("{}{if_empty}", encode(key)),
                    _ => format!("{}={}", encode(key), encode(text)),
                });
                parts.extend(entries);
            }
            Assigned::List(list) => {
                let joined: Vec<_> = list.iter().map(|text| encode(text)).collect();
                parts.extend((!list.is_empty()).then(|| pair(name, &joined.join(","))));
            }
            Assigned::Map(map) => {
                let joined: Vec<_> = map
                    .iter()
                    .map(|(key, text)| format!("{},{}", encode(key), encode(text)))
                    .collect();
                parts.extend((!map.is_empty()).then(|| pair(name, &joined.join(","))));
            }
        }
    }
    if parts.is_empty() {
        String::new()
    } else {
        format!("{first}{}", parts.join(separator))
    }
}

fn assigned() -> impl Strategy<Value = Assigned> {
    let text = || "[a-c/?#&;=,. é%]{0,4}";
    prop_oneof![
        Just(Assigned::Undefined),
        text().prop_map(Assigned::Text),
        prop::collection::vec(text(), 0..3).prop_map(Assigned::List),
        prop::collection::vec(("[a-c/é]{1,3}", text()), 0..3).prop_map(Assigned::Map),
    ]
}

/// A piece of a template and what becomes of it.
fn piece() -> impl Strategy<Value = (String, String)> {
    let operator = prop::sample::select(vec!["", "+", "#", ".", "/", ";", "?", "&"]);
    let variable = ("[a-c]{1,2}", assigned(), any::<bool>());
    prop_oneof![
        "[a-c/:?=&]{0,4}".prop_map(|literal| (literal.clone(), literal)),
        (operator, prop::collection::vec(variable, 1..4)).prop_map(|(operator, variables)| {
            let names: Vec<_> = variables
                .iter()
                .map(|(name, _, explode)| format!("{name}{}", if *explode { "*" } else { "" }))
                .collect();
            let template = format!("{{{operator}{}}}", names.join(","));
            (template, expand(operator, &variables))
        }),
    ]
}

/// Whether this is all that an expression stands for, by what `matches` documents.
fn stands_for(expression: &Expression<'_>, text: &str) -> bool {
    let exploded = expression.is_exploded();
    let names: Vec<_> = expression
        .variables
        .split(',')
        .map(|name| name.split(['*', ':']).next().unwrap())
        .collect();
    let in_segment = |text: &str| !text.contains(['/', '?', '#']);
    let are_parameters = |text: &str, between| {
        text.split(between)
            .all(|pair| names.contains(&pair.split('=').next().unwrap()))
    };
    let after = |first: &str| text.strip_prefix(first);
    text.is_empty()
        || match expression.operator {
            Operator::Simple => in_segment(text),
            Operator::Reserved => true,
            Operator::Fragment => after("#").is_some(),
            Operator::Label => after(".").is_some_and(in_segment),
            Operator::Path => after("/").is_some_and(|rest| {
                !rest.contains(['?', '#']) && (exploded || rest.split('/').count() <= names.len())
            }),
            Operator::Parameter => after(";")
                .is_some_and(|rest| in_segment(rest) && (exploded || are_parameters(rest, ';'))),
            Operator::Query => after("?")
                .is_some_and(|rest| !rest.contains('#') && (exploded || are_parameters(rest, '&'))),
            Operator::Continuation => after("&")
                .is_some_and(|rest| !rest.contains('#') && (exploded || are_parameters(rest, '&'))),
        }
}

/// `matches` by trying every way to divide the URI.
fn matches_slowly(parts: &[Part<'_>], uri: &str) -> bool {
    match parts {
        [] => uri.is_empty(),
        [Part::Literal(literal), rest @ ..] => uri
            .strip_prefix(literal)
            .is_some_and(|uri| matches_slowly(rest, uri)),
        [Part::Expression(expression), rest @ ..] => (0..=uri.len())
            .any(|end| stands_for(expression, &uri[..end]) && matches_slowly(rest, &uri[end..])),
        [Part::Unclosed, ..] => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn expansions_match(pieces in prop::collection::vec(piece(), 0..5)) {
        let (template, uri): (Vec<_>, Vec<_>) = pieces.into_iter().unzip();
        let (template, uri) = (template.concat(), uri.concat());
        prop_assert!(template.is_empty() || check(&template).is_ok());
        prop_assert!(matches(&template, &uri), "{} {}", template, uri);
    }

    #[test]
    fn nothing_else_matches(
        template in r"([ab/?&=]|\{[+#./;?&]?[ab]\*?(,(b|ab)(:3|\*)?)?\}){0,4}",
        uri in "[ab/?#&;=.,]{0,8}",
    ) {
        let parts: Vec<_> = Parts(&template).collect();
        prop_assert_eq!(matches(&template, &uri), matches_slowly(&parts, &uri));
    }

    #[test]
    fn any_text_is_no_panic(template in r"[{}+#./;?&,:*%0-9a-cé \n]{0,40}", uri in any::<String>()) {
        let _ = (matches(&template, &uri), matches(&template, &template), check(&template));
        let _ = (matches(&uri, &template), check(&uri));
    }

    #[test]
    fn a_checked_template_matches_itself_filled_in(template in r"([a-c/:]|\{[+#./;?&]?[a-c]{1,2}(\*|:[1-9])?\}){1,6}") {
        prop_assert_eq!(check(&template), Ok(()));
        let filled: String = Parts(&template).map(|part| match part {
            Part::Literal(literal) => literal.to_owned(),
            _ => String::new(),
        }).collect();
        prop_assert!(matches(&template, &filled));
    }
}
