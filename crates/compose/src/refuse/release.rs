//! Gives up the resources and streams that a refused call brought.

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
    /// None where something could not be given up.
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

    /// A type that holds something to give up.
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
            // Shared with a case of a variant that is longer.
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

    /// Whether a value may hold what has to be given up. A borrowed resource of the module's
    /// own comes without a handle.
    fn holds(&self, ty: &Type) -> bool {
        let Type::Id(id) = ty else { return false };
        let holds = |ty: &Option<Type>| ty.as_ref().is_some_and(|ty| self.holds(ty));
        match &self.module.resolve.types[*id].kind {
            TypeDefKind::Type(ty) | TypeDefKind::Option(ty) | TypeDefKind::List(ty) => {
                self.holds(ty)
            }
            TypeDefKind::FixedLengthList(ty, _) => self.holds(ty),
            TypeDefKind::Map(key, value) => self.holds(key) || self.holds(value),
            TypeDefKind::Handle(Handle::Own(_)) => true,
            TypeDefKind::Handle(Handle::Borrow(resource)) => {
                !self.module.is_own(origin(self.module.resolve, *resource))
            }
            TypeDefKind::Future(_) | TypeDefKind::Stream(_) => true,
            TypeDefKind::Record(record) => record.fields.iter().any(|field| self.holds(&field.ty)),
            TypeDefKind::Tuple(tuple) => tuple.types.iter().any(|ty| self.holds(ty)),
            TypeDefKind::Result(result) => holds(&result.ok) || holds(&result.err),
            TypeDefKind::Variant(variant) => variant.cases.iter().any(|case| holds(&case.ty)),
            _ => false,
        }
    }
}

/// How many parameters of a core function a value takes.
pub fn flat_length(resolve: &Resolve, ty: &Type) -> usize {
    let mut flat = [WasmType::I32; Resolve::MAX_FLAT_PARAMS];
    let mut flat = FlatTypes::new(&mut flat);
    resolve.push_flat(ty, &mut flat);
    flat.to_vec().len()
}
