//! Reading the access of a catalog, which is after its tables. The last word of such a catalog is the
//! offset of the record.

use super::{
    access::{NeedKind, StdioCaller, Unmet},
    baked::Catalog,
    flags::Flags,
    layout::{TEXT, WORD, access, header, need},
    uri_template::{MAX_URI, matches},
};
use crate::wire::{pattern, uri};

/// The access of a catalog.
#[derive(Clone, Copy, Debug)]
pub struct BakedAccess<'a> {
    catalog: Catalog<'a>,
    at: usize,
}

impl<'a> Catalog<'a> {
    /// None: the catalog has no access, or cannot be read.
    pub fn access(&self) -> Option<BakedAccess<'a>> {
        self.access_record(Flags::ACCESS)
    }

    /// The headers of a request that features may read, in lower case.
    pub fn request_headers(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let record = self.access_record(Flags::HEADERS);
        record
            .into_iter()
            .flat_map(|record| record.texts(access::REQUEST_HEADERS))
    }

    fn access_record(&self, flag: Flags) -> Option<BakedAccess<'a>> {
        let at = self.word(self.word(header::LENGTH).checked_sub(WORD)?);
        let is_there = self.flags().contains(flag) && self.word(at) == access::MARK as usize;
        is_there.then_some(BakedAccess { catalog: *self, at })
    }
}

impl<'a> BakedAccess<'a> {
    fn texts(self, table: usize) -> impl ExactSizeIterator<Item = &'a str> + use<'a> {
        let catalog = self.catalog;
        let records = catalog.records(self.at + table, TEXT);
        records.map(move |at| catalog.text(at))
    }

    fn optional(self, text: usize) -> Option<&'a str> {
        Some(self.catalog.text(self.at + text)).filter(|text| !text.is_empty())
    }

    fn option(self, option: u32) -> bool {
        self.catalog.word(self.at + access::OPTIONS) & option as usize != 0
    }

    /// None: the variable `mcp_auth_resource` says it.
    pub fn resource(self) -> Option<&'a str> {
        self.optional(access::RESOURCE)
    }

    pub fn documentation(self) -> Option<&'a str> {
        self.optional(access::DOCUMENTATION)
    }

    /// The scopes that every request needs.
    pub fn scopes(self) -> impl ExactSizeIterator<Item = &'a str> + use<'a> {
        self.texts(access::SCOPES)
    }

    /// The headers that the authenticator sees.
    pub fn headers(self) -> impl ExactSizeIterator<Item = &'a str> + use<'a> {
        self.texts(access::HEADERS)
    }

    pub fn anonymous(self) -> bool {
        self.option(access::ANONYMOUS)
    }

    pub fn root_metadata(self) -> bool {
        self.option(access::ROOT_METADATA)
    }

    pub fn policy(self) -> bool {
        self.option(access::POLICY)
    }

    pub fn app_variables(self) -> bool {
        self.option(access::APP_VARIABLES)
    }

    pub fn unmet(self) -> Unmet {
        match self.option(access::HIDE) {
            true => Unmet::Hide,
            false => Unmet::Challenge,
        }
    }

    pub fn stdio(self) -> StdioCaller {
        match self.option(access::ENVIRONMENT) {
            true => StdioCaller::Environment,
            false => StdioCaller::Trusted,
        }
    }

    /// The scopes that a tool or a prompt needs besides those of the server. See `Need`.
    pub fn needs(self, kind: NeedKind, name: &str) -> Vec<&'a str> {
        let mut all = Vec::new();
        self.add(kind, &mut all, |text| pattern::matches(text, name));
        all
    }

    /// The same for a resource: whatever any spelling of its URI needs. A feature may decode what
    /// `uri::normal` leaves as it is.
    pub fn resource_needs(self, uri: &str) -> Vec<&'a str> {
        let mut all = Vec::new();
        let normal = uri::normal(uri);
        let decoded = uri::normal(&uri::decoded(uri));
        for form in [uri, &normal, &decoded] {
            self.add(NeedKind::Resource, &mut all, |text| {
                pattern::matches(text, form)
                    || pattern::matches(&uri::normal(text), form)
                    // Templates do not match longer ones, but features may get them.
                    || text.contains('{') && (form.len() > MAX_URI || matches(text, form))
            });
        }
        all
    }

    /// Adds the scopes of the most specific needs that match.
    fn add(self, kind: NeedKind, all: &mut Vec<&'a str>, matches: impl Fn(&'a str) -> bool) {
        let catalog = self.catalog;
        let mut most = None;
        // Sorted, the most specific first.
        for at in catalog.records(self.at + access::NEEDS, need::SIZE) {
            let text = catalog.text(at + need::PATTERN);
            if catalog.word(at + need::KIND) != kind as usize || !matches(text) {
                continue;
            }
            let rank = pattern::specificity(text);
            if *most.get_or_insert(rank) != rank {
                break;
            }
            let first = catalog.word(at + need::FIRST_SCOPE);
            let count = catalog.word(at + need::SCOPES);
            for at in catalog.some_records(self.at + access::NEED_SCOPES, TEXT, first, count) {
                let scope = catalog.text(at);
                if !all.contains(&scope) {
                    all.push(scope);
                }
            }
        }
    }
}
