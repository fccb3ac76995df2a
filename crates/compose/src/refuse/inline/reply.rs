//! What a function answers that was an import.

use wit_parser::{
    Function, Handle, InterfaceId, Resolve, SizeAlign, Type, TypeDefKind, TypeId, TypeOwner,
    abi::AbiVariant,
};

use super::{
    super::{
        answer::{Answer, Answers, dealias, origin, refused},
        release::flat_length,
    },
    DROP,
};

/// The name of an imported function, after that of its interface.
pub type Import = (String, String);

pub struct Reply {
    /// The result as it lies in memory, but for the addresses of its texts.
    pub bytes: Vec<u8>,
    /// Where in it the addresses belong.
    pub texts: Vec<usize>,
    /// What each of them says.
    pub text: String,
    /// What a call brings that is to be dropped.
    pub brought: Vec<Brought>,
}

/// A resource of the host.
pub struct Brought {
    /// The import that drops it.
    pub drop: Import,
    /// The parameter that is its handle.
    pub handle: u32,
    /// The parameter that tells whether there is one, where it is optional.
    pub is_some: Option<u32>,
}

impl Reply {
    /// A function without parameters that returns a text.
    pub fn text(text: &str) -> Reply {
        Reply {
            bytes: [0, text.len() as u32].map(u32::to_le_bytes).concat(),
            texts: vec![0],
            text: text.to_owned(),
            brought: Vec::new(),
        }
    }
}

pub struct Refusals<'a> {
    resolve: &'a Resolve,
    sizes: SizeAlign,
    /// The interfaces that are not imported any more.
    gone: &'a [String],
}

impl<'a> Refusals<'a> {
    pub fn new(resolve: &'a Resolve, gone: &'a [String]) -> Refusals<'a> {
        let mut sizes = SizeAlign::default();
        sizes.fill(resolve);
        Refusals {
            resolve,
            sizes,
            gone,
        }
    }

    /// How a function refuses; none if a module cannot by itself, since the answer takes a
    /// resource, or the call brings something else than resources, which has to be given up.
    pub fn of(&self, interface: InterfaceId, function: &Function) -> Option<Reply> {
        let (mut brought, mut local) = (Vec::new(), 0);
        for param in &function.params {
            match self.resource(interface, &param.ty) {
                Some((resource, optional)) => brought.push(Brought {
                    drop: self.drop(resource)?,
                    handle: local + u32::from(optional),
                    is_some: optional.then_some(local),
                }),
                None if self.brings(interface, &param.ty) => return None,
                None => {}
            }
            local += flat_length(self.resolve, &param.ty) as u32;
        }
        let indirect = |variant| {
            self.resolve
                .wasm_signature(variant, function)
                .indirect_params
        };
        if !brought.is_empty()
            && (indirect(AbiVariant::GuestImport) || indirect(AbiVariant::GuestImportAsync))
        {
            return None;
        }
        let text = refused(&self.resolve.id_of(interface)?);
        let answers = Answers {
            resolve: self.resolve,
            sizes: &self.sizes,
            own: &|_| false,
            text: (0, text.len() as u32),
        };
        let Answer { bytes, texts, .. } = match &function.result {
            Some(result) => answers.of(result)?,
            None => Answer::default(),
        };
        Some(Reply {
            bytes,
            texts,
            text,
            brought,
        })
    }

    /// The resource that a parameter is, and whether it is optional.
    fn resource(&self, interface: InterfaceId, ty: &Type) -> Option<(TypeId, bool)> {
        let Type::Id(id) = dealias(self.resolve, ty) else {
            return None;
        };
        match &self.resolve.types[id].kind {
            TypeDefKind::Handle(Handle::Own(resource)) => {
                let resource = origin(self.resolve, *resource);
                self.is_foreign(interface, resource)
                    .then_some((resource, false))
            }
            TypeDefKind::Option(ty) => match self.resource(interface, ty)? {
                (resource, false) => Some((resource, true)),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether there can be such a resource: there is none of the interface itself, nor of
    /// those that are gone with it.
    fn is_foreign(&self, interface: InterfaceId, resource: TypeId) -> bool {
        match self.resolve.types[resource].owner {
            TypeOwner::Interface(owner) => {
                let name = self.resolve.id_of(owner);
                owner != interface && !name.is_some_and(|name| self.gone.contains(&name))
            }
            _ => true,
        }
    }

    fn drop(&self, resource: TypeId) -> Option<Import> {
        let resource = &self.resolve.types[resource];
        let TypeOwner::Interface(owner) = resource.owner else {
            return None;
        };
        let name = format!("{DROP}{}", resource.name.as_ref()?);
        Some((self.resolve.id_of(owner)?, name))
    }

    /// Whether a value may hold what has to be given up.
    fn brings(&self, interface: InterfaceId, ty: &Type) -> bool {
        let Type::Id(id) = ty else { return false };
        let brings = |ty: &Option<Type>| ty.as_ref().is_some_and(|ty| self.brings(interface, ty));
        match &self.resolve.types[*id].kind {
            TypeDefKind::Type(ty)
            | TypeDefKind::Option(ty)
            | TypeDefKind::List(ty)
            | TypeDefKind::FixedLengthList(ty, _) => self.brings(interface, ty),
            TypeDefKind::Map(key, value) => {
                self.brings(interface, key) || self.brings(interface, value)
            }
            TypeDefKind::Handle(Handle::Own(resource)) => {
                self.is_foreign(interface, origin(self.resolve, *resource))
            }
            TypeDefKind::Future(_) | TypeDefKind::Stream(_) => true,
            TypeDefKind::Record(record) => record
                .fields
                .iter()
                .any(|field| self.brings(interface, &field.ty)),
            TypeDefKind::Tuple(tuple) => tuple.types.iter().any(|ty| self.brings(interface, ty)),
            TypeDefKind::Result(result) => brings(&result.ok) || brings(&result.err),
            TypeDefKind::Variant(variant) => variant.cases.iter().any(|case| brings(&case.ty)),
            _ => false,
        }
    }
}
