//! The value with which a function refuses.

use wit_parser::{Handle, Int, Resolve, SizeAlign, Type, TypeDefKind, TypeId};

use spin_mcp_contract::grants::remedy;

/// Names of cases that say so, the best first.
const DENIED: [&str; 9] = [
    "access-denied",
    "http-request-denied",
    "destination-not-allowed",
    "permission-denied",
    "not-permitted",
    "not-allowed",
    "denied",
    "forbidden",
    "access",
];

/// An address with the alignment of any type.
const ANYWHERE: u8 = 8;

/// A value as it lies in memory.
#[derive(Default)]
pub struct Answer {
    pub bytes: Vec<u8>,
    /// The offsets of addresses of the text.
    pub texts: Vec<usize>,
    /// The offsets of handles of new resources.
    pub handles: Vec<(usize, TypeId)>,
}

impl Answer {
    fn put(&mut self, offset: usize, other: Answer) {
        self.bytes[offset..][..other.bytes.len()].copy_from_slice(&other.bytes);
        self.texts.extend(other.texts.iter().map(|at| offset + at));
        let handles = other.handles.into_iter();
        self.handles
            .extend(handles.map(|(at, resource)| (offset + at, resource)));
    }
}

/// What answers depend on.
pub struct Answers<'a> {
    pub resolve: &'a Resolve,
    pub sizes: &'a SizeAlign,
    /// Whether a resource is the component's own, so that it can make one.
    pub own: &'a dyn Fn(TypeId) -> bool,
    /// The address and the length of the text that says what was refused.
    pub text: (u32, u32),
}

impl Answers<'_> {
    /// The value of a type that refuses best: an error, or else the smallest value. None if the value
    /// needs the host.
    pub fn of(&self, ty: &Type) -> Option<Answer> {
        self.value(ty, false)
    }

    /// `error`: the value is, or is part of, an error.
    fn value(&self, ty: &Type, error: bool) -> Option<Answer> {
        let id = match ty {
            Type::Id(id) => id,
            Type::String if error => {
                let (address, length) = self.text;
                let mut bytes = address.to_le_bytes().to_vec();
                bytes.extend(length.to_le_bytes());
                return Some(Answer {
                    bytes,
                    texts: vec![0],
                    handles: Vec::new(),
                });
            }
            Type::String => return Some(self.empty(ty)),
            Type::ErrorContext => return None,
            _ => return Some(self.zeros(ty)),
        };
        match &self.resolve.types[*id].kind {
            TypeDefKind::Type(ty) => self.value(ty, error),
            TypeDefKind::List(_) | TypeDefKind::Map(..) => Some(self.empty(ty)),
            TypeDefKind::Flags(_) => Some(self.zeros(ty)),
            TypeDefKind::Option(Type::String) if error => {
                let cases = Cases::new(Int::U8, [None, Some(Type::String)]);
                self.case(ty, &cases, 1, error)
            }
            TypeDefKind::Option(_) => Some(self.zeros(ty)),
            TypeDefKind::Result(result) => {
                let cases = Cases::new(Int::U8, [result.ok, result.err]);
                let refused = self.case(ty, &cases, 1, true);
                refused.or_else(|| self.case(ty, &cases, 0, error))
            }
            TypeDefKind::Record(record) => {
                self.fields(ty, record.fields.iter().map(|field| &field.ty), error)
            }
            TypeDefKind::Tuple(tuple) => self.fields(ty, tuple.types.iter(), error),
            TypeDefKind::Enum(named) => {
                let names = named.cases.iter().map(|case| (&*case.name, None));
                let cases = Cases::new(named.tag(), named.cases.iter().map(|_| None));
                let order = self.order(names, error).into_iter();
                order
                    .into_iter()
                    .find_map(|case| self.case(ty, &cases, case, error))
            }
            TypeDefKind::Variant(variant) => {
                let names = variant.cases.iter().map(|case| (&*case.name, case.ty));
                let cases = Cases::new(variant.tag(), variant.cases.iter().map(|case| case.ty));
                let order = self.order(names, error).into_iter();
                order
                    .into_iter()
                    .find_map(|case| self.case(ty, &cases, case, error))
            }
            TypeDefKind::Handle(Handle::Own(resource)) => {
                let resource = origin(self.resolve, *resource);
                let mut answer = self.zeros(ty);
                answer.handles.push((0, resource));
                (self.own)(resource).then_some(answer)
            }
            _ => None,
        }
    }

    /// The cases of a type, the best first.
    fn order<'c>(
        &self,
        cases: impl Iterator<Item = (&'c str, Option<Type>)>,
        error: bool,
    ) -> Vec<usize> {
        let mut order: Vec<_> = cases.enumerate().collect();
        if error {
            // Otherwise the last case is usually the most general one.
            order.reverse();
            order.sort_by_key(|(index, (name, payload))| {
                let name = name.to_ascii_lowercase();
                let denied = DENIED.iter().position(|denied| *denied == name);
                match (denied, payload.map(|ty| self.speaks(&ty))) {
                    (Some(rank), _) => (0, rank),
                    (None, Some(true)) if name == "other" => (1, 0),
                    (None, Some(true)) => (2, *index),
                    (None, _) if name == "other" => (3, 0),
                    (None, _) => (4, 0),
                }
            });
        }
        order.into_iter().map(|(index, _)| index).collect()
    }

    /// Whether a type is a text, or an optional one.
    fn speaks(&self, ty: &Type) -> bool {
        match ty {
            Type::Id(id) => match &self.resolve.types[*id].kind {
                TypeDefKind::Type(ty) | TypeDefKind::Option(ty) => self.speaks(ty),
                _ => false,
            },
            ty => *ty == Type::String,
        }
    }

    fn case(&self, ty: &Type, cases: &Cases, chosen: usize, error: bool) -> Option<Answer> {
        let mut answer = self.zeros(ty);
        let tag = match cases.tag {
            Int::U8 => 1,
            Int::U16 => 2,
            Int::U32 | Int::U64 => 4,
        };
        answer.bytes[..tag].copy_from_slice(&(chosen as u32).to_le_bytes()[..tag]);
        if let Some(payload) = &cases.payloads[chosen] {
            let payloads = cases.payloads.iter().map(Option::as_ref);
            let offset = self.sizes.payload_offset(cases.tag, payloads);
            answer.put(offset.size_wasm32(), self.value(payload, error)?);
        }
        Some(answer)
    }

    fn fields<'t>(
        &self,
        ty: &Type,
        fields: impl Iterator<Item = &'t Type>,
        error: bool,
    ) -> Option<Answer> {
        let mut answer = self.zeros(ty);
        for (offset, field) in self.sizes.field_offsets(fields) {
            answer.put(offset.size_wasm32(), self.value(field, error)?);
        }
        Some(answer)
    }

    /// An empty list or text. Its address must not be null, as guests make a pointer of it.
    fn empty(&self, ty: &Type) -> Answer {
        let mut answer = self.zeros(ty);
        answer.bytes[0] = ANYWHERE;
        answer
    }

    fn zeros(&self, ty: &Type) -> Answer {
        Answer {
            bytes: vec![0; self.sizes.size(ty).size_wasm32()],
            ..Answer::default()
        }
    }
}

/// The cases of a variant.
struct Cases {
    tag: Int,
    payloads: Vec<Option<Type>>,
}

impl Cases {
    fn new(tag: Int, payloads: impl IntoIterator<Item = Option<Type>>) -> Cases {
        let payloads = payloads.into_iter().collect();
        Cases { tag, payloads }
    }
}

/// The text of refusals of an interface.
pub fn refused(interface: &str) -> String {
    format!("not allowed: `{}` is not in its `allow`", remedy(interface))
}

/// The type behind aliases.
pub fn dealias(resolve: &Resolve, ty: &Type) -> Type {
    match ty {
        Type::Id(id) => match &resolve.types[*id].kind {
            TypeDefKind::Type(ty) => dealias(resolve, ty),
            _ => *ty,
        },
        ty => *ty,
    }
}

/// The resource behind aliases.
pub fn origin(resolve: &Resolve, mut id: TypeId) -> TypeId {
    while let TypeDefKind::Type(Type::Id(of)) = resolve.types[id].kind {
        id = of;
    }
    id
}
