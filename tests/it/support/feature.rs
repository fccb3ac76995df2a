//! Features written as core modules in text, for what no compiler would write.

use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use super::root;

/// What a feature with one tool, `t`, is made of.
#[derive(Clone, Default)]
pub struct Text<'a> {
    /// Of its world, beside the export of `tools`.
    pub imports: &'a str,
    /// Imports of the core module.
    pub core_imports: &'a str,
    /// Items of the core module, behind its own memory.
    pub items: &'a str,
    /// What `list-tools` does before it answers; may return another address itself.
    pub list: &'a str,
    /// What `call-tool` does before it answers `done`; may return another address itself.
    pub call: &'a str,
    /// Strings of data with their addresses, written over the rest.
    pub data: &'a [(u32, &'a [u8])],
    /// Pages of the memory at the start; at least two.
    pub pages: u32,
}

/// Where the list of tools lies: its length is 4 bytes behind its address, at `LIST + 12`.
pub const LIST: u32 = 128;
/// Where the one tool lies.
pub const TOOL: u32 = 256;
/// Where the result of a call lies.
pub const RESULT: u32 = 512;
/// Where its one piece of content lies: address and length of the text are at 8 and 12.
pub const CONTENT: u32 = 640;

impl Text<'_> {
    /// The core module with its type, which compose makes a component of.
    pub fn module(&self) -> Vec<u8> {
        let mut resolve = Resolve::default();
        resolve.push_dir(root().join("framework/wit")).unwrap();
        let world = format!(
            "package test:hostile; world feature {{ {} export spin-mcp:server/tools@0.1.0; }}",
            self.imports
        );
        let package = resolve.push_str("world.wit", &world).unwrap();
        let world = resolve.select_world(&[package], None).unwrap();
        let mut module = wat::parse_str(self.text()).unwrap();
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
        module
    }

    fn text(&self) -> String {
        let schema = br#"{"type":"object"}"#;
        let words = |at: u32, words: &[u32]| {
            let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
            data(at, &bytes)
        };
        let texts = [data(16, b"t"), data(32, schema), data(64, b"done")];
        let list = words(LIST + 8, &[TOOL, 1]);
        let tool = words(TOOL, &[16, 1]) + &words(TOOL + 32, &[32, schema.len() as u32]);
        let result = words(RESULT, &[0, 1, 0, CONTENT, 1]) + &words(CONTENT + 8, &[64, 4]);
        let own = self.data.iter().map(|(at, bytes)| data(*at, bytes));
        format!(
            r#"(module
                 {core_imports}
                 (memory (export "memory") {pages})
                 {items}
                 (global $next (mut i32) (i32.const 65536))
                 (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                   (local $at i32)
                   (local.set $at (i32.and (i32.add (global.get $next) (i32.const 15)) (i32.const -16)))
                   (global.set $next (i32.add (local.get $at) (local.get 3)))
                   (local.get $at))
                 (func (export "spin-mcp:server/tools@0.1.0#list-tools")
                   (param i64 i32 i32 i32) (result i32)
                   {list_tools} (i32.const {LIST}))
                 (func (export "spin-mcp:server/tools@0.1.0#call-tool")
                   (param $request i64) (param i32 i32 i32 i32) (result i32)
                   {call_tool} (i32.const {RESULT}))
                 {texts}{list}{tool}{result}{own})"#,
            core_imports = self.core_imports,
            items = self.items,
            pages = self.pages.max(2),
            list_tools = self.list,
            call_tool = self.call,
            texts = texts.concat(),
            own = own.collect::<String>(),
        )
    }
}

/// A segment of data.
fn data(at: u32, bytes: &[u8]) -> String {
    let bytes: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
    format!("(data (i32.const {at}) \"{bytes}\")\n")
}
