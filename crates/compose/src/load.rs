//! Reads the parts of a server. Its middleware is all synchronous, or all asynchronous.

use std::mem;

use anyhow::{Context as _, Result, bail};
use spin_mcp_component::rewrite::lazy;
use spin_mcp_contract::{ComponentSource, Composition, Framework, Kind, Part, Role, Runtime, Wasi};
use spin_mcp_framework as framework;

use crate::{
    access,
    fuse::Fused,
    openapi,
    overrides::Overrides,
    part::{self, Loaded},
    policy,
};

/// What a server is composed of.
pub struct Parts {
    /// Features in the order of their slots, then middleware, the first to see a request first.
    pub all: Vec<Loaded>,
    features: usize,
    /// The features that are one component.
    pub fused: Option<Fused>,
    /// Where the middleware ends, and what the transport asks begins.
    middleware: usize,
    /// Whether requests pass the middleware synchronously.
    pub kind: Kind,
    pub overrides: Overrides,
    /// What the author of the policy, or of a feature of an OpenAPI document, should know.
    pub warnings: Vec<String>,
}

impl Parts {
    pub fn load(composition: &Composition) -> Result<Parts> {
        let wasi = composition.wasi;
        let mut warnings = vec![];
        let features = composition.features.iter();
        let features = features.map(|feature| match &feature.component {
            ComponentSource::OpenApi(of) => {
                openapi::load(feature, of, (wasi, composition.runtime), &mut warnings)
            }
            _ => part::load(feature, wasi),
        });
        let mut all = features.collect::<Result<Vec<_>>>()?;
        let (features, overrides) = (all.len(), Overrides::read(&composition.overrides)?);
        let transport = overrides.transport()?;
        let (kind, middleware) = middleware(&composition.middleware, &all, transport, wasi)?;
        overrides.check_router(kind, &all)?;
        // An instance of WASI 0.3 serves many requests, which would take turns all the time.
        let is_fused =
            wasi == Wasi::P2 && !composition.sequence && !overrides.has(Framework::Router);
        let fused = is_fused.then(|| Fused::new(&all)).flatten();
        if composition.runtime == Runtime::Spin {
            fill_later(&mut all, fused.as_ref())?;
        }
        all.extend(middleware);
        let middleware = all.len();
        if let Some(auth) = &composition.auth {
            let rego = auth.policy.as_ref().and_then(|policy| policy.rego.as_ref());
            let mut rego = rego.map(policy::policy).transpose()?;
            for part in auth.parts() {
                all.push(match (&mut rego, &part.component) {
                    (Some((component, found)), _) if part.role == Role::Policy => {
                        warnings.append(found);
                        part::load_bytes(part, mem::take(component).into(), wasi)?
                    }
                    (_, ComponentSource::Shipped(_)) => {
                        part::load_bytes(part, access::shipped(auth, wasi).into(), wasi)?
                    }
                    _ => part::load(part, wasi)?,
                });
            }
            overrides.check_access()?;
        }
        Ok(Parts {
            all,
            features,
            fused,
            middleware,
            kind,
            overrides,
            warnings,
        })
    }

    pub fn features(&self) -> &[Loaded] {
        &self.all[..self.features]
    }

    pub fn middleware(&self) -> &[Loaded] {
        &self.all[self.features..self.middleware]
    }

    /// The authenticator, then the policy.
    pub fn auth(&self) -> &[Loaded] {
        &self.all[self.middleware..]
    }
}

/// What filling a memory at its first call costs Spin, in pages that it need not reset in other
/// instances.
const FIRST_CALL: u64 = 64;

/// Makes features lazy if one call of each feature costs less than before in total.
fn fill_later(features: &mut [Loaded], fused: Option<&Fused>) -> Result<()> {
    let slots = fused.map_or(&[][..], |fused| &fused.slots);
    let memories = features.len() - slots.len() + usize::from(fused.is_some());
    let Some(others) = memories.checked_sub(1).filter(|others| *others > 0) else {
        return Ok(());
    };
    let features = features.iter_mut().enumerate();
    for (_, feature) in features.filter(|(slot, _)| !slots.contains(slot)) {
        let shown = feature.shown();
        let lazy = lazy(&feature.component, FIRST_CALL.div_ceil(others as u64));
        if let Some(lazy) = lazy.with_context(|| format!("cannot make {shown} lazy"))? {
            feature.component = lazy;
        }
    }
    Ok(())
}

/// Loads the middleware, and says of which kind it is. `transport`: the kind and the name of the
/// transport of an override.
fn middleware(
    middleware: &[Part],
    features: &[Loaded],
    transport: Option<(Kind, String)>,
    wasi: Wasi,
) -> Result<(Kind, Vec<Loaded>)> {
    let own = middleware
        .iter()
        .filter(|part| matches!(part.component, ComponentSource::Resolved(_)))
        .map(|part| part::load(part, wasi))
        .collect::<Result<Vec<_>>>()?;
    let kind = kind(features, &own, transport)?;
    let mut own = own.into_iter();
    let loaded = middleware.iter().map(|part| match part.component {
        ComponentSource::Shipped(name) => shipped(part, name, kind),
        _ => own.next().context("it was loaded"),
    });
    Ok((kind, loaded.collect::<Result<_>>()?))
}

/// Asynchronous as soon as one part is.
fn kind(
    features: &[Loaded],
    middleware: &[Loaded],
    transport: Option<(Kind, String)>,
) -> Result<Kind> {
    let features = features
        .iter()
        .map(|feature| (feature.kind, feature.shown()));
    let middleware = middleware.iter().map(|part| (part.kind, part.shown()));
    let middleware: Vec<_> = transport.into_iter().chain(middleware).collect();
    let mut all = middleware.iter().cloned().chain(features);
    let Some((_, waits)) = all.find(|(kind, _)| *kind == Kind::Async) else {
        return Ok(Kind::Sync);
    };
    if let Some((_, part)) = middleware.iter().find(|(kind, _)| *kind == Kind::Sync) {
        bail!(
            "{part} is synchronous (`{}`), but {waits} is asynchronous, so all middleware must be asynchronous; \
             build {part} with `{}`",
            Kind::Sync.handler(),
            Kind::Async.handler()
        );
    }
    Ok(Kind::Async)
}

/// The build of a shipped middleware for this kind.
fn shipped(part: &Part, name: &str, kind: Kind) -> Result<Loaded> {
    let wasi = kind.wasi();
    let component = framework::middleware(name, wasi)
        .with_context(|| format!("this `mcp` has no middleware `{name}`"))?;
    part::load_bytes(part, component.into(), wasi)
}

#[cfg(test)]
mod tests;
