//! The core module of a component that refuses.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt::Write as _,
};

use anyhow::{Context as _, Result, ensure};
use wit_parser::{
    Function, Handle, InterfaceId, LiftLowerAbi, ManglingAndAbi, Resolve, ResourceIntrinsic,
    SizeAlign, Type, TypeDefKind, TypeId, TypeOwner, WasmExport, WasmExportKind, WasmImport,
    WorldId, WorldItem, WorldKey,
    abi::{AbiVariant, WasmSignature, WasmType},
};

use super::{
    answer::{Answer, Answers, origin, refused},
    release::Release,
};
use spin_mcp_contract::grants::remedy;

const MANGLING: ManglingAndAbi = ManglingAndAbi::Legacy(LiftLowerAbi::Sync);
/// The address of the first answer. Nothing is at zero.
const BASE: u32 = 16;
const PAGE: u32 = 65_536;
/// Interfaces that trap instead of refusing: ending the process, and stdin that `close_stdin` could
/// not close.
const NEVER: [&str; 2] = ["wasi:cli/exit@", "wasi:cli/stdin@0.2."];
/// The memory is empty until the first call that needs it, as most instances get no call. The
/// parameters of a call lie behind the answers until the call ends.
const ALLOCATOR: &str = r#"
    (func $ready
      (if (i32.eqz (memory.size)) (then
        (drop (memory.grow (global.get $pages)))
        (memory.init $answers (i32.const 0) (i32.const 0) (global.get $length)))))
    (func (export "cabi_realloc") (param $old i32) (param $had i32) (param $align i32) (param $size i32) (result i32)
      (local $at i32) (local $end i64) (local $pages i32)
      (call $ready)
      (local.set $at (i32.and
        (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
        (i32.sub (i32.const 0) (local.get $align))))
      (local.set $end (i64.add (i64.extend_i32_u (local.get $at)) (i64.extend_i32_u (local.get $size))))
      (local.set $pages (i32.wrap_i64 (i64.shr_u (i64.add (local.get $end) (i64.const 65535)) (i64.const 16))))
      (if (i32.gt_u (local.get $pages) (memory.size)) (then
        (if (i32.eq (memory.grow (i32.sub (local.get $pages) (memory.size))) (i32.const -1)) (then unreachable))))
      (memory.copy (local.get $at) (local.get $old) (local.get $had))
      (global.set $next (i32.wrap_i64 (local.get $end)))
      (local.get $at))
"#;

/// Whether the functions of an interface trap.
pub fn traps(interface: &str) -> bool {
    NEVER.iter().any(|never| interface.starts_with(never))
}

/// A module that exports all functions of `world`.
pub fn generate(resolve: &Resolve, world: WorldId) -> Result<Vec<u8>> {
    let mut sizes = SizeAlign::default();
    sizes.fill(resolve);
    let mut module = Module {
        resolve,
        sizes,
        keys: HashMap::new(),
        exported: HashSet::new(),
        data: vec![0; BASE as usize],
        texts: HashMap::new(),
        imports: BTreeMap::new(),
        functions: String::new(),
        made: HashSet::new(),
    };
    let world = &resolve.worlds[world];
    for (exported, items) in [(false, &world.imports), (true, &world.exports)] {
        for (key, item) in items {
            if let WorldItem::Interface { id, .. } = item {
                module.keys.insert(*id, key);
                exported.then(|| module.exported.insert(*id));
            }
        }
    }
    let mut trapping = Vec::new();
    for (key, item) in &world.exports {
        let WorldItem::Interface { id, .. } = item else {
            continue;
        };
        let interface = resolve.name_world_key(key);
        for function in resolve.interfaces[*id].functions.values() {
            if !module.function(key, &interface, function) {
                trapping.push((interface.clone(), function));
            }
        }
    }
    for (interface, function) in trapping {
        ensure!(
            traps(&interface) || module.is_out_of_reach(function),
            "`{}` of `{interface}` cannot report a refusal; add `{}` to the `allow` of the feature",
            function.name,
            remedy(&interface)
        );
    }
    module.finish()
}

pub struct Module<'a> {
    pub resolve: &'a Resolve,
    sizes: SizeAlign,
    keys: HashMap<InterfaceId, &'a WorldKey>,
    exported: HashSet<InterfaceId>,
    data: Vec<u8>,
    texts: HashMap<String, (u32, u32)>,
    /// The types of the intrinsics by module and name.
    imports: BTreeMap<(String, String), &'static str>,
    functions: String,
    /// The resources that a function makes.
    made: HashSet<TypeId>,
}

impl Module<'_> {
    /// Writes a function; false if it can only trap.
    fn function(&mut self, key: &WorldKey, interface: &str, function: &Function) -> bool {
        let signature = self
            .resolve
            .wasm_signature(AbiVariant::GuestExport, function);
        let export = WasmExport::Func {
            interface: Some(key),
            func: function,
            kind: WasmExportKind::Normal,
        };
        let name = self.resolve.wasm_export_name(MANGLING, export);
        let mut head = format!("(func (export {name:?})");
        for (what, types) in [("param", &signature.params), ("result", &signature.results)] {
            for ty in types {
                _ = write!(head, " ({what} {})", core_type(*ty));
            }
        }
        let body = match traps(interface) {
            true => None,
            false => self.body(key, interface, function, &signature),
        };
        let answers = body.is_some();
        let body = body.unwrap_or_else(|| "unreachable".to_owned());
        _ = writeln!(self.functions, "{head}\n{body})");
        answers
    }

    fn body(
        &mut self,
        key: &WorldKey,
        interface: &str,
        function: &Function,
        signature: &WasmSignature,
    ) -> Option<String> {
        let mut release = Release {
            module: self,
            key,
            function,
            signature,
            local: 0,
            code: String::new(),
        };
        release.params()?;
        let mut code = release.code;
        _ = writeln!(code, "(global.set $next (global.get $heap))");
        let Some(result) = &function.result else {
            return Some(code);
        };
        let text = self.text(interface);
        let answer = Answers {
            resolve: self.resolve,
            sizes: &self.sizes,
            own: &|resource| self.is_own(resource),
            text,
        };
        let Answer { bytes, handles, .. } = answer.of(result)?;
        let mut makers = Vec::new();
        for (offset, resource) in handles {
            self.made.insert(resource);
            makers.push((
                offset,
                self.intrinsic(resource, ResourceIntrinsic::ExportedNew),
            ));
        }
        if signature.retptr {
            code.push_str("(call $ready)\n");
            let align = self.sizes.align(result).align_wasm32();
            self.data.resize(self.data.len().next_multiple_of(align), 0);
            let address = self.data.len();
            self.data.extend(bytes);
            for (offset, maker) in makers {
                let at = address + offset;
                _ = writeln!(
                    code,
                    "(i32.store (i32.const {at}) (call {maker} (i32.const 0)))"
                );
            }
            _ = writeln!(code, "(i32.const {address})");
            return Some(code);
        }
        match (signature.results.first(), makers.first()) {
            (None, _) => {}
            (Some(_), Some((_, maker))) => {
                _ = writeln!(code, "(call {maker} (i32.const 0))");
            }
            (Some(ty), None) => {
                let mut word = [0; 8];
                word[..bytes.len().min(8)].copy_from_slice(&bytes[..bytes.len().min(8)]);
                let value = u64::from_le_bytes(word);
                _ = writeln!(code, "({}.const {value})", core_type(*ty));
            }
        }
        Some(code)
    }

    /// The place of the text of refusals of an interface.
    fn text(&mut self, interface: &str) -> (u32, u32) {
        let text = refused(interface);
        if let Some(known) = self.texts.get(&text) {
            return *known;
        }
        let place = (self.data.len() as u32, text.len() as u32);
        self.data.extend(text.bytes());
        self.texts.insert(text, place);
        place
    }

    /// Whether a resource belongs to an interface that refuses.
    pub fn is_own(&self, resource: TypeId) -> bool {
        match self.resolve.types[resource].owner {
            TypeOwner::Interface(id) => self.exported.contains(&id),
            _ => false,
        }
    }

    /// The name of the function that makes or drops a resource.
    pub fn intrinsic(&mut self, resource: TypeId, intrinsic: ResourceIntrinsic) -> String {
        let interface = match self.resolve.types[resource].owner {
            TypeOwner::Interface(id) => self.keys.get(&id).copied(),
            _ => None,
        };
        let ty = match intrinsic {
            ResourceIntrinsic::ExportedNew => "(param i32) (result i32)",
            _ => "(param i32)",
        };
        let import = WasmImport::ResourceIntrinsic {
            interface,
            resource,
            intrinsic,
        };
        self.import(import, ty)
    }

    pub fn import(&mut self, import: WasmImport<'_>, ty: &'static str) -> String {
        let name = self.resolve.wasm_import_name(MANGLING, import);
        let id = format!("${:?}", format!("{} {}", name.0, name.1));
        self.imports.insert(name, ty);
        id
    }

    /// Whether a call of a function needs a resource that no function makes.
    fn is_out_of_reach(&self, function: &Function) -> bool {
        function.params.iter().any(|param| {
            let Type::Id(id) = param.ty else { return false };
            match self.resolve.types[origin(self.resolve, id)].kind {
                TypeDefKind::Handle(Handle::Own(resource) | Handle::Borrow(resource)) => {
                    let resource = origin(self.resolve, resource);
                    self.is_own(resource) && !self.made.contains(&resource)
                }
                _ => false,
            }
        })
    }

    fn finish(self) -> Result<Vec<u8>> {
        let mut text = "(module\n".to_owned();
        for ((module, name), ty) in &self.imports {
            let id = format!("{module} {name}");
            _ = writeln!(text, "(import {module:?} {name:?} (func ${id:?} {ty}))");
        }
        let length = self.data.len() as u32;
        let heap = length.next_multiple_of(8);
        let pages = heap / PAGE + 1;
        let escaped: String = self
            .data
            .iter()
            .map(|byte| format!("\\{byte:02x}"))
            .collect();
        _ = write!(
            text,
            "(memory (export \"memory\") 0)
             (data $answers \"{escaped}\")
             (global $pages i32 (i32.const {pages}))
             (global $length i32 (i32.const {length}))
             (global $heap i32 (i32.const {heap}))
             (global $next (mut i32) (i32.const {heap}))
             {ALLOCATOR}
             {})",
            self.functions
        );
        wat::parse_str(&text).context("cannot assemble the component that refuses")
    }
}

fn core_type(ty: WasmType) -> &'static str {
    match ty {
        WasmType::I32 | WasmType::Pointer | WasmType::Length => "i32",
        WasmType::I64 | WasmType::PointerOrI64 => "i64",
        WasmType::F32 => "f32",
        WasmType::F64 => "f64",
    }
}
