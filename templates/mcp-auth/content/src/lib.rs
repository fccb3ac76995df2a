//! Finds out who sends a request. Here an ingress in front of the server has done that, and says it
//! in headers.

mod mcp;

use mcp::{Caller, Credentials, Known, Verdict};
use serde::Deserialize;

/// What `settings` of the table `auth` in spin.toml may hold.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// Who authenticated the callers.
    issuer: String,
}

/// The ingress must remove these headers from the requests of clients, and set them itself:
/// otherwise everybody can be anybody. `headers` in spin.toml must name them.
fn authenticate(settings: &Settings, credentials: &Credentials) -> Verdict {
    let values = |name| {
        let headers = credentials.headers.iter();
        let values = headers.filter(move |(known, _)| known == name);
        values.filter_map(|(_, value)| str::from_utf8(value).ok())
    };
    let subject = match values("x-forwarded-user").collect::<Vec<_>>()[..] {
        [] => return Verdict::Missing,
        [user] if !user.is_empty() => user.to_owned(),
        _ => return Verdict::Malformed("the ingress named no caller, or two".into()),
    };
    let groups = values("x-forwarded-groups").flat_map(|groups| groups.split(','));
    let scopes = groups.map(|group| group.trim().to_owned());
    Verdict::Known(Known {
        caller: Caller {
            subject,
            issuer: settings.issuer.clone(),
            scopes: scopes.filter(|scope| !scope.is_empty()).collect(),
            claims: "{}".into(),
        },
        expires: None,
        // Groups of a user can change with each request.
        keep_until: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(headers: &[(&str, &str)]) -> Verdict {
        let header = |(name, value): &(&str, &str)| (name.to_string(), value.as_bytes().to_vec());
        let credentials = Credentials {
            headers: headers.iter().map(header).collect(),
            resource: "https://mcp.example.com/mcp".into(),
        };
        let issuer = "ingress".into();
        authenticate(&Settings { issuer }, &credentials)
    }

    #[test]
    fn the_ingress_names_the_caller() {
        let headers = [
            ("x-forwarded-user", "ada"),
            ("x-forwarded-groups", "read, write"),
        ];
        let Verdict::Known(known) = judge(&headers) else {
            panic!("it is unknown");
        };
        assert_eq!(known.caller.subject, "ada");
        assert_eq!(known.caller.scopes, ["read", "write"]);
    }

    #[test]
    fn nobody_else_is_let_in() {
        assert!(matches!(judge(&[]), Verdict::Missing));
        let twice = [("x-forwarded-user", "ada"), ("x-forwarded-user", "eve")];
        assert!(matches!(judge(&twice), Verdict::Malformed(_)));
    }
}
