//! From the table `auth` to who may call the server.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use indexmap::IndexMap;
use serde_json::{Map, Value, json};
use spin_mcp_auth::{jwk, metadata};
use spin_mcp_component::path::in_dir;
use spin_mcp_contract::{
    ComponentSource, Grant, Rego, Role, auth, record::IssuerRecord, shipped, state::DEFAULT_STORE,
};
use spin_mcp_protocol::catalog::{Access, Need, NeedKind};
use spin_mcp_registry::{Resolver, Source};

use crate::manifest::auth::{ALGORITHMS, Auth as Keys, Data, Issuer, Jwks, Needs, Policy, Scopes};
use crate::{Origin, Part};

/// After how long pinned keys are suspicious: issuers change theirs.
const OLD: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// The member of a file of pinned keys that says when they were pinned, in seconds since 1970.
pub const PINNED: &str = "pinned";

/// Who may call the server.
#[derive(Debug)]
pub struct Auth {
    pub access: Access,
    /// The scopes of tools that no pattern names.
    pub read_only: Option<Vec<String>>,
    pub other: Option<Vec<String>>,
    /// Pinned keys are in its settings as the paths of their files.
    pub authenticator: Part,
    pub store: String,
    /// Whether the component has a variable with which stored keys are sealed.
    pub sealed: bool,
    pub policy: Option<PolicyOf>,
    pub warnings: Vec<String>,
}

/// What decides about requests.
#[derive(Debug)]
pub struct PolicyOf {
    pub part: Part,
    /// Its source code; none if it is a component.
    pub rego: Option<Rego>,
}

impl PolicyOf {
    fn resolve(&self, resolver: &mut Resolver) -> Result<spin_mcp_contract::Policy> {
        let part = match &self.rego {
            None => self.part.resolve(resolver)?,
            Some(rego) => spin_mcp_contract::Part {
                role: Role::Policy,
                ..spin_mcp_contract::Part::feature(&self.part.name, rego.dir.join(&rego.file))
            },
        };
        Ok(spin_mcp_contract::Policy {
            part,
            rego: self.rego.clone(),
        })
    }
}

impl Auth {
    /// `variables` are those of the component, and `name` is that of the table.
    pub(crate) fn new(
        dir: &Path,
        name: &str,
        store: Option<&str>,
        variables: &IndexMap<String, serde::de::IgnoredAny>,
        keys: Keys,
    ) -> Result<Auth> {
        let own = keys.source.is_some();
        let mut warnings = vec![];
        let settings = match own {
            true => {
                let given = [
                    ("issuer", keys.issuer.is_some()),
                    ("issuers", keys.issuers.is_some()),
                    ("implies", keys.implies.is_some()),
                    ("api_keys", keys.api_keys.is_some()),
                    ("store", keys.store.is_some()),
                ];
                if let Some((key, _)) = given.iter().find(|(_, given)| *given) {
                    bail!(
                        "`{name}` has `source` and `{key}`, but `{key}` is for the shipped authenticator; \
                         remove one of them, or give the component `settings`"
                    );
                }
                keys.settings
            }
            false => {
                ensure!(
                    keys.settings.is_none() && keys.allow.is_empty() && keys.build.is_none(),
                    "`{name}` has `settings`, `allow` or `build`, which are for an authenticator of your own; name \
                     it in `source`, or remove them"
                );
                let headers = keys.headers.iter().flatten();
                ensure!(
                    keys.headers.is_none()
                        || headers.clone().any(|header| header == "authorization"),
                    "`{name}.headers` lacks `authorization`, in which the shipped authenticator finds \
                     tokens; add it"
                );
                Some(settings(dir, name, &keys, &mut warnings)?)
            }
        };
        let has = |variable: &str| variables.contains_key(variable);
        let issuers = settings.iter().filter(|_| !own).flat_map(auth::issuers);
        for issuer in issuers {
            if let auth::Keys::Variable(variable) = issuer.keys {
                ensure!(
                    has(&variable),
                    "the keys of issuer `{}` are in the variable `{variable}`, which the component does not have; \
                     write `{variable} = \"{{{{ {variable} }}}}\"` below `[component.ID.variables]`, and declare it below `[variables]`",
                    issuer.issuer
                );
            }
        }
        if keys.resource.is_none() && !has("mcp_auth_resource") {
            warnings.push(format!(
                "`{name}` has no `resource`, so the server refuses requests to any host but this machine; write the \
                 address that clients use, or give the component the variable `mcp_auth_resource`"
            ));
        }
        ensure!(
            !keys.anonymous || keys.scopes.is_empty(),
            "`{name}` has `anonymous`, but `scopes` are what every request needs, so nothing would be open; move \
             them to `needs`"
        );
        let Needs {
            read_only,
            other,
            tools,
            prompts,
            resources,
        } = keys.needs;
        ensure!(
            !tools.contains_key("*") || read_only.is_none() && other.is_none(),
            "`{name}.needs.tools` has `*`, which is every tool, so `read_only` and `other` would not count; leave \
             one out"
        );
        let of = |kind, needs: IndexMap<String, Scopes>| {
            let need = move |(pattern, Scopes(scopes))| Need {
                kind,
                pattern,
                scopes,
            };
            needs.into_iter().map(need)
        };
        let needs = of(NeedKind::Tool, tools)
            .chain(of(NeedKind::Prompt, prompts))
            .chain(of(NeedKind::Resource, resources));
        let access = Access {
            resource: keys.resource,
            scopes: keys.scopes,
            anonymous: keys.anonymous,
            headers: keys.headers.unwrap_or_else(|| vec!["authorization".into()]),
            unmet: keys.unmet.into(),
            stdio: keys.stdio.into(),
            root_metadata: keys.root_metadata,
            documentation: keys.documentation,
            needs: needs.collect(),
            policy: keys.policy.is_some(),
            app_variables: true,
        };
        let origin = match keys.source {
            Some(source) => Origin::Source(source.0.in_dir(dir)),
            None => Origin::Shipped(shipped::AUTHENTICATOR),
        };
        let reads = !own && has("mcp_auth_keys");
        let allow = keys.allow.into_iter();
        let allow = allow.chain(reads.then_some(Grant::Variables));
        let authenticator = Part {
            build: keys.build,
            workdir: in_dir(dir, keys.workdir),
            allow: allow.collect(),
            settings,
            ..Part::new(Role::Authenticator, "auth".into(), origin, dir)
        };
        let policy = keys.policy.map(|policy| policy_of(dir, name, policy));
        Ok(Auth {
            access,
            read_only: read_only.map(|scopes| scopes.0),
            other: other.map(|scopes| scopes.0),
            authenticator,
            store: keys
                .store
                .or(store.map(str::to_owned))
                .unwrap_or(DEFAULT_STORE.into()),
            sealed: has("mcp_state_key"),
            policy: policy.transpose()?,
            warnings,
        })
    }

    /// The parts that the table names.
    pub fn parts(&self) -> impl Iterator<Item = &Part> {
        let policy = self.policy.iter().map(|policy| &policy.part);
        std::iter::once(&self.authenticator).chain(policy)
    }

    /// What to compose, with all components and keys on this machine.
    pub fn resolve(&self, resolver: &mut Resolver) -> Result<spin_mcp_contract::Auth> {
        let mut warnings = self.warnings.clone();
        let mut authenticator = self.authenticator.resolve(resolver)?;
        let shipped = matches!(authenticator.component, ComponentSource::Shipped(_));
        let settings = authenticator.settings.as_mut().filter(|_| shipped);
        let issuers = settings.and_then(|settings| settings["issuers"].as_array_mut());
        for issuer in issuers.into_iter().flatten() {
            if let Some(path) = issuer.pointer("/jwks/file").and_then(Value::as_str) {
                let (keys, warning) = pinned(Path::new(path)).with_context(|| {
                    format!("cannot use the keys of issuer {}", issuer["issuer"])
                })?;
                issuer["jwks"] = json!({ "keys": keys });
                warnings.extend(warning);
            }
        }
        let policy = self.policy.as_ref().map(|policy| policy.resolve(resolver));
        Ok(spin_mcp_contract::Auth {
            access: self.access.clone(),
            read_only: self.read_only.clone(),
            other: self.other.clone(),
            authenticator,
            store: self.store.clone(),
            sealed: self.sealed,
            policy: policy.transpose()?,
            warnings,
        })
    }

    /// Whose tokens are accepted; empty if that is up to a component.
    pub fn issuers(&self) -> Vec<IssuerRecord> {
        let shipped = matches!(self.authenticator.origin, Origin::Shipped(_));
        let settings = self.authenticator.settings.iter().filter(|_| shipped);
        settings.flat_map(auth::issuers).collect()
    }

    /// The paths below the server's host where its metadata is; none for API keys alone. `route` is
    /// that of the server.
    pub fn metadata_paths(&self, route: &str) -> Vec<String> {
        let shipped = matches!(self.authenticator.origin, Origin::Shipped(_));
        if shipped && self.issuers().is_empty() {
            return vec![];
        }
        let path = match &self.access.resource {
            Some(resource) => metadata::split(resource).1,
            None => route,
        };
        let mut paths = vec![format!("{}{path}", metadata::WELL_KNOWN)];
        if self.access.root_metadata && !path.is_empty() {
            paths.push(metadata::WELL_KNOWN.to_owned());
        }
        paths
    }

    /// The origins that the authenticator fetches keys from.
    pub fn origins(&self) -> Vec<String> {
        let issuers = self.issuers().into_iter();
        let fetched = issuers.filter(|issuer| issuer.keys == auth::Keys::Fetched);
        let origin = |issuer: IssuerRecord| metadata::split(&issuer.issuer).0.to_owned();
        let mut origins: Vec<_> = fetched.map(origin).collect();
        origins.dedup();
        origins
    }
}

fn policy_of(dir: &Path, name: &str, keys: Policy) -> Result<PolicyOf> {
    let data = keys.data.map(|data| match data {
        Data::Table(table) => Ok(table),
        Data::File(path) => read_data(&in_dir(dir, &path)),
    });
    let data = data.transpose()?;
    let (source, rego) = match (keys.file, keys.source) {
        (Some(file), None) => (Source::File(file.clone()), Some(file)),
        (None, Some(source)) => (source.0, None),
        _ => bail!(
            "`{name}.policy` must have either `file`, a policy in Rego, or `source`, a component"
        ),
    };
    let origin = Origin::Source(source.in_dir(dir));
    let mut part = Part::new(Role::Policy, "policy".into(), origin, dir);
    let rego = match rego {
        Some(file) => Some(Rego {
            dir: dir.to_owned(),
            file,
            data: data.unwrap_or_default(),
        }),
        None => {
            part.settings = data;
            None
        }
    };
    Ok(PolicyOf { part, rego })
}

fn read_data(path: &Path) -> Result<Map<String, Value>> {
    let shown = path.display();
    let text = fs::read_to_string(path)
        .with_context(|| format!("cannot read `{shown}`, the data of the policy"))?;
    serde_json::from_str(&text)
        .with_context(|| format!("`{shown}`, the data of the policy, is not a JSON object"))
}

/// The settings of the framework's authenticator, complete but for its store.
fn settings(
    dir: &Path,
    name: &str,
    keys: &Keys,
    warnings: &mut Vec<String>,
) -> Result<Map<String, Value>> {
    let one = keys.issuer.clone().map(Issuer::named);
    let issuers: Vec<_> = match (&one, &keys.issuers) {
        (Some(_), Some(_)) => {
            bail!("`{name}` has `issuer` and `issuers`; write all of them as `[[{name}.issuers]]`")
        }
        (one, many) => one.iter().chain(many.iter().flatten()).collect(),
    };
    ensure!(
        !issuers.is_empty() || keys.api_keys.is_some(),
        "`{name}` accepts no credentials: name the `issuer` of tokens, add a key that `spin mcp auth key NAME` makes, or \
         name an authenticator of your own in `source`"
    );
    let mut written: Vec<Value> = vec![];
    for (index, issuer) in issuers.iter().enumerate() {
        let all = of_issuer(dir, issuer);
        for one in all.with_context(|| format!("cannot use `{name}.issuers[{index}]`"))? {
            if written.iter().any(|other| other["issuer"] == one["issuer"]) {
                bail!("`{name}.issuers` names {} twice; remove one", one["issuer"]);
            }
            written.push(one);
        }
    }
    let mut api_keys = vec![];
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    for (key, of) in keys.api_keys.iter().flatten() {
        if of.expires.is_some_and(|expires| expires <= now) {
            warnings.push(format!("`{name}.api_keys.{key}` expired; remove it"));
        }
        let subject = of.subject.as_ref().unwrap_or(key);
        api_keys.push(json!({"subject": subject, "sha256": of.sha256, "scopes": of.scopes, "expires": of.expires}));
    }
    let implies = keys.implies.iter().flatten();
    let implies: Map<_, _> = implies
        .map(|(scope, implied)| (scope.clone(), json!(implied.0)))
        .collect();
    let settings = json!({"implies": implies, "issuers": written, "api_keys": api_keys});
    Ok(serde_json::from_value(settings)?)
}

/// An issuer. One that names a claim in braces, such as `{tid}`, is one for each value of it.
fn of_issuer(dir: &Path, keys: &Issuer) -> Result<Vec<Value>> {
    keys.check()?;
    let issuer = keys.issuer.as_deref().unwrap_or_default();
    let types = keys.types.iter().flatten().map(|of| {
        let of = of.to_ascii_lowercase();
        of.strip_prefix("application/").unwrap_or(&of).to_owned()
    });
    let types = match keys.types {
        Some(_) => types.collect(),
        None => ["at+jwt", "jwt", ""].map(str::to_owned).to_vec(),
    };
    let jwks = match &keys.jwks {
        Jwks::Fetch => json!({"fetch": true}),
        Jwks::File(path) => json!({ "file": in_dir(dir, path) }),
        Jwks::Variable(name) => json!({ "variable": name }),
    };
    let one = |issuer: &str, require: &IndexMap<String, Vec<String>>| {
        json!({
            "issuer": issuer,
            "audience": keys.audience,
            "algorithms": keys.algorithms.clone().unwrap_or(ALGORITHMS.map(str::to_owned).to_vec()),
            "types": types,
            "require": require,
            "subject": keys.subject.as_deref().unwrap_or("sub"),
            "scope_claims": keys.scope_claims.clone().unwrap_or(vec!["scope".into(), "scp".into()]),
            "leeway": keys.leeway.unwrap_or(30),
            "jwks": jwks,
        })
    };
    let Some((before, rest)) = issuer.split_once('{') else {
        return Ok(vec![one(issuer, &keys.require)]);
    };
    let claim = rest
        .split_once('}')
        .filter(|(_, after)| !after.contains('{'));
    let known = claim.and_then(|(claim, after)| Some((claim, keys.require.get(claim)?, after)));
    let (claim, values, after) = known.with_context(|| {
        format!("`{issuer}` must name one claim in braces, whose values are in `require`, such as `require = {{ tid = [\"…\"] }}`")
    })?;
    let of_value = |value: &String| {
        let mut require = keys.require.clone();
        require.insert(claim.to_owned(), vec![value.clone()]);
        one(&format!("{before}{value}{after}"), &require)
    };
    Ok(values.iter().map(of_value).collect())
}

/// The keys in a file, and a warning if they are old.
fn pinned(path: &Path) -> Result<(Value, Option<String>)> {
    let shown = path.display();
    let pin = "`spin mcp auth check --pin` writes it";
    let text = fs::read_to_string(path).with_context(|| format!("cannot read `{shown}`; {pin}"))?;
    let usable = jwk::Set::read(&text).map_or(0, |set| set.usable());
    ensure!(
        usable > 0,
        "`{shown}` is not a JWK set with a key that verifies tokens; {pin}"
    );
    let set: Value = serde_json::from_str(&text)?;
    let since = match set[PINNED].as_u64() {
        Some(seconds) => UNIX_EPOCH + Duration::from_secs(seconds),
        None => fs::metadata(path)?.modified()?,
    };
    let age = SystemTime::now().duration_since(since).unwrap_or_default();
    let warning = (age > OLD).then(|| {
        format!(
            "the keys in `{shown}` are {} days old, and issuers change theirs; `spin mcp auth check --pin` renews them",
            age.as_secs() / (24 * 60 * 60)
        )
    });
    Ok((set["keys"].clone(), warning))
}
