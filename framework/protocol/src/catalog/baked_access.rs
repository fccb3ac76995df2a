//! Reading the access of a catalog, which is after its tables. The last word of such a catalog is the
//! offset of the record.

use super::{
    access::{NeedKind, StdioCaller, Unmet},
    baked::Catalog,
    flags::Flags,
    layout::{TEXT, WORD, access, header, need},
};
use crate::wire::pattern;

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

    /// The scopes that an item needs besides those of the server. See `Need`.
    pub fn needs(self, kind: NeedKind, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        let catalog = self.catalog;
        // Sorted, the most specific first.
        let needs = catalog.records(self.at + access::NEEDS, need::SIZE);
        let mut matching = needs.filter(move |at| catalog.word(at + need::KIND) == kind as usize);
        let first = matching
            .by_ref()
            .find(|at| pattern::matches(catalog.text(at + need::PATTERN), name));
        let rank = move |at: usize| pattern::specificity(catalog.text(at + need::PATTERN));
        let others: Vec<usize> = matching
            .take_while(|at| first.is_some_and(|first| rank(first) == rank(*at)))
            .filter(|at| pattern::matches(catalog.text(at + need::PATTERN), name))
            .collect();
        let scopes = self.at + access::NEED_SCOPES;
        first.into_iter().chain(others).flat_map(move |at| {
            let first = catalog.word(at + need::FIRST_SCOPE);
            let count = catalog.word(at + need::SCOPES);
            let records = catalog.some_records(scopes, TEXT, first, count);
            records.map(move |at| catalog.text(at))
        })
    }
}
