//! Names of tools or prompts: the original ones, and those that clients see.

use spin_mcp_middleware_sdk::{Error, INTERNAL_ERROR, Pattern, Settings, any, error};

pub struct Names {
    /// What the names are of, for messages.
    kind: &'static str,
    /// None: all.
    allow: Option<Vec<Pattern>>,
    deny: Vec<Pattern>,
    /// The original name, and the one that clients see, without the prefix.
    rename: Vec<(String, String)>,
    prefix: String,
}

impl Names {
    pub fn read(kind: &'static str, settings: Option<Settings<'_>>) -> Result<Names, String> {
        let mut names = Names {
            kind,
            allow: None,
            deny: Vec::new(),
            rename: Vec::new(),
            prefix: String::new(),
        };
        let Some(settings) = settings else {
            return Ok(names);
        };
        let patterns = |names: Vec<String>| names.into_iter().map(Pattern::new).collect();
        names.allow = settings.strings("allow")?.map(patterns);
        names.deny = settings.strings("deny")?.map(patterns).unwrap_or_default();
        names.rename = settings.pairs("rename")?;
        names.prefix = settings.string("prefix")?.unwrap_or_default();
        settings.end()?;
        for (at, (old, new)) in names.rename.iter().enumerate() {
            if let Some((other, _)) = names.rename[..at].iter().find(|(_, known)| known == new) {
                return Err(format!(
                    "{kind}s `{other}` and `{old}` are both renamed to `{new}`"
                ));
            }
        }
        Ok(names)
    }

    pub fn kind(&self) -> &'static str {
        self.kind
    }

    /// The name that clients see. None: it is hidden.
    ///
    /// Fails if clients know something else by that name.
    pub fn outward(&self, name: &str) -> Result<Option<String>, Error> {
        if !self.permit(name) {
            return Ok(None);
        }
        let renamed = self.rename.iter().find(|(old, _)| old == name);
        let new = match renamed {
            Some((_, new)) => new,
            None => {
                if let Some((old, _)) = self.rename.iter().find(|(_, new)| new == name) {
                    let kind = self.kind;
                    return Err(error(
                        INTERNAL_ERROR,
                        format!(
                            "{kind} `{old}` is renamed to `{name}`, which is the name of another {kind}; deny that one, or rename it, too"
                        ),
                    ));
                }
                name
            }
        };
        Ok(Some(format!("{}{new}", self.prefix)))
    }

    /// The original name. None: clients do not see such a name.
    pub fn inward(&self, name: &str) -> Option<String> {
        let name = name.strip_prefix(&self.prefix)?;
        let old = match self.rename.iter().find(|(_, new)| new == name) {
            Some((old, _)) => old,
            None if self.rename.iter().any(|(old, _)| old == name) => return None,
            None => name,
        };
        self.permit(old).then(|| old.to_owned())
    }

    fn permit(&self, name: &str) -> bool {
        self.allow.as_ref().is_none_or(|allow| any(allow, name)) && !any(&self.deny, name)
    }
}
