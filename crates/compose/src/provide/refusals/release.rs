//! Drops the resources and streams that a refused call got.

use std::fmt::Write as _;

use wit_parser::{
    Function, FutureIntrinsic, Handle, Resolve, ResourceIntrinsic, StreamIntrinsic, Type,
    TypeDefKind, TypeId, WasmImport, WorldKey,
    abi::{FlatTypes, WasmSignature, WasmType},
};

use super::{answer::origin, module::Module};

pub struct Release<'m, 'a> {
    pub module: &'m mut Module<'a>,
    pub key: &'m WorldKey,
    pub function: &'m Function,
    pub signature: &'m WasmSignature,
    pub code: String,
    /// The parameter of the core function that is next.
    pub local: usize,
}

impl Release<'_, '_> {
    /// None if something cannot be dropped.
    pub fn params(&mut self) -> Option<()> {
        if self.signature.indirect_params {
            let mut params = self.function.params.iter();
            return (!params.any(|param| self.holds(&param.ty))).then_some(());
        }
        for param in &self.function.params {
            self.value(&param.ty)?;
        }
        Some(())
    }

    fn value(&mut self, ty: &Type) -> Option<()> {
        let next = self.local + flat_length(self.module.resolve, ty);
        if self.holds(ty)
            && let Type::Id(id) = ty
        {
            self.holder(*id)?;
        }
        self.local = next;
        Some(())
    }

    /// Drops what a value of a compound type holds.
    fn holder(&mut self, id: TypeId) -> Option<()> {
        let resolve = self.module.resolve;
        match &resolve.types[id].kind {
            TypeDefKind::Type(ty) => self.value(ty),
            TypeDefKind::Handle(Handle::Own(resource) | Handle::Borrow(resource)) => {
                let resource = origin(resolve, *resource);
                let intrinsic = match self.module.is_own(resource) {
                    true => ResourceIntrinsic::ExportedDrop,
                    false => ResourceIntrinsic::ImportedDrop,
                };
                let drop = self.module.intrinsic(resource, intrinsic);
                self.call(&drop);
                Some(())
            }
            TypeDefKind::Future(_) => {
                let import = WasmImport::FutureIntrinsic {
                    interface: Some(self.key),
                    func: self.function,
                    ty: Some(id),
                    intrinsic: FutureIntrinsic::DropReadable,
                    exported: true,
                    async_: false,
                };
                let drop = self.module.import(import, "(param i32)");
                self.call(&drop);
                Some(())
            }
            TypeDefKind::Stream(_) => {
                let import = WasmImport::StreamIntrinsic {
                    interface: Some(self.key),
                    func: self.function,
                    ty: Some(id),
                    intrinsic: StreamIntrinsic::DropReadable,
                    exported: true,
                    async_: false,
                };
                let drop = self.module.import(import, "(param i32)");
                self.call(&drop);
                Some(())
            }
            TypeDefKind::Record(record) => {
                let mut fields = record.fields.iter();
                fields.try_for_each(|field| self.value(&field.ty))
            }
            TypeDefKind::Tuple(tuple) => tuple.types.iter().try_for_each(|ty| self.value(ty)),
            TypeDefKind::Option(ty) => self.cases(&[None, Some(*ty)]),
            TypeDefKind::Result(result) => self.cases(&[result.ok, result.err]),
            TypeDefKind::Variant(variant) => {
                let cases: Vec<_> = variant.cases.iter().map(|case| case.ty).collect();
                self.cases(&cases)
            }
            _ => None,
        }
    }

    /// Drops the handle in the next parameter.
    fn call(&mut self, drop: &str) {
        let local = self.local;
        _ = match self.signature.params[local] {
            // The parameter is shared with a wider case of a variant.
            WasmType::I64 | WasmType::PointerOrI64 => writeln!(
                self.code,
                "(call {drop} (i32.wrap_i64 (local.get {local})))"
            ),
            _ => writeln!(self.code, "(call {drop} (local.get {local}))"),
        };
    }

    fn cases(&mut self, payloads: &[Option<Type>]) -> Option<()> {
        let tag = self.local;
        for (case, payload) in payloads.iter().enumerate() {
            let Some(payload) = payload.filter(|payload| self.holds(payload)) else {
                continue;
            };
            self.local = tag + 1;
            _ = writeln!(
                self.code,
                "(if (i32.eq (local.get {tag}) (i32.const {case})) (then"
            );
            self.value(&payload)?;
            self.code.push_str("))\n");
        }
        Some(())
    }

    fn holds(&self, ty: &Type) -> bool {
        let resolve = self.module.resolve;
        holds(resolve, ty, &|handle| match handle {
            Handle::Own(_) => true,
            // A borrowed resource of the module's own comes without a handle.
            Handle::Borrow(resource) => !self.module.is_own(origin(resolve, *resource)),
        })
    }
}

/// Whether a value may hold a stream, a future, or a handle that `given` accepts.
pub fn holds(resolve: &Resolve, ty: &Type, given: &dyn Fn(&Handle) -> bool) -> bool {
    let Type::Id(id) = ty else { return false };
    let holds = |ty: &Type| holds(resolve, ty, given);
    match &resolve.types[*id].kind {
        TypeDefKind::Type(ty)
        | TypeDefKind::Option(ty)
        | TypeDefKind::List(ty)
        | TypeDefKind::FixedLengthList(ty, _) => holds(ty),
        TypeDefKind::Map(key, value) => holds(key) || holds(value),
        TypeDefKind::Handle(handle) => given(handle),
        TypeDefKind::Future(_) | TypeDefKind::Stream(_) => true,
        TypeDefKind::Record(record) => record.fields.iter().any(|field| holds(&field.ty)),
        TypeDefKind::Tuple(tuple) => tuple.types.iter().any(holds),
        TypeDefKind::Result(result) => result.ok.iter().chain(&result.err).any(holds),
        TypeDefKind::Variant(variant) => variant
            .cases
            .iter()
            .filter_map(|case| case.ty.as_ref())
            .any(holds),
        _ => false,
    }
}

/// How many parameters of a core function a value takes.
fn flat_length(resolve: &Resolve, ty: &Type) -> usize {
    let mut flat = [WasmType::I32; Resolve::MAX_FLAT_PARAMS];
    let mut flat = FlatTypes::new(&mut flat);
    resolve.push_flat(ty, &mut flat);
    flat.to_vec().len()
}
