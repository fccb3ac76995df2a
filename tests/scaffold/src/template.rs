//! Renders a template as `spin new` and `spin add` do, without Spin.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use heck::{ToKebabCase, ToSnakeCase, ToUpperCamelCase};
use liquid_core::{
    Display_filter, Filter, FilterReflection, ParseFilter, Result, Runtime, Value, ValueView,
};
use serde::Deserialize;

/// A folder with `metadata` and `content`.
pub struct Template {
    dir: PathBuf,
    manifest: TemplateManifest,
    given: BTreeMap<String, String>,
}

impl Template {
    /// One of the templates of this repository.
    pub fn named(name: &str) -> Self {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../templates")
            .join(name);
        let manifest = read(&dir.join("metadata/spin-template.toml"));
        let manifest: TemplateManifest = toml_edit::de::from_str(&manifest).unwrap();
        assert_eq!(
            (manifest.manifest_version.as_str(), manifest.id.as_str()),
            ("1", name)
        );
        let given = BTreeMap::new();
        Self {
            dir,
            manifest,
            given,
        }
    }

    /// `--value ID=VALUE`, for what has a default otherwise.
    pub fn give(&mut self, id: &str, value: &str) {
        let parameter = self.manifest.parameters.get(id);
        let parameter = parameter.unwrap_or_else(|| panic!("there is no parameter `{id}`"));
        parameter.check(id, value);
        self.given.insert(id.to_owned(), value.to_owned());
    }

    /// `spin new -t TEMPLATE NAME`, into the folder `to`.
    pub fn new_app(&self, name: &str, to: &Path) {
        let variant = self.manifest.new_application.clone().unwrap_or_default();
        assert_ne!(variant.supported, Some(false), "it cannot be an app");
        self.write_content(&variant, &self.values(name, name), to);
    }

    /// `spin add -t TEMPLATE NAME`, into the app of the manifest.
    pub fn add(&self, name: &str, manifest: &Path) {
        let mut variant = self
            .manifest
            .add_component
            .clone()
            .expect("it can be added");
        let before: toml_edit::DocumentMut = read(manifest).parse().unwrap();
        for conditional in std::mem::take(&mut variant.conditions).into_values() {
            let path = conditional.condition.manifest_entry_exists;
            let mut keys = path.split('.');
            let found = keys.try_fold(before.as_item(), |item, key| item.get(key));
            if found.is_some() {
                variant.skip_files.extend(conditional.skip_files);
                variant
                    .snippets
                    .retain(|id, _| !conditional.skip_snippets.contains(id));
            }
        }
        let values = self.values(name, name);
        let dir = manifest.parent().unwrap().join(name);
        self.write_content(&variant, &values, &dir);
        for (id, file) in &variant.snippets {
            assert!(
                ["component", "application_trigger"].contains(&id.as_str()),
                "snippet {id}"
            );
            let snippet = read(&self.dir.join("metadata/snippets").join(file));
            let text = format!(
                "{}\n\n{}",
                read(manifest).trim_end(),
                render(&snippet, &values)
            );
            fs::write(manifest, text).unwrap();
        }
    }

    fn values(&self, name: &str, output_path: &str) -> liquid::Object {
        let parameters = self.manifest.parameters.iter().map(|(id, parameter)| {
            let value = self.given.get(id).unwrap_or(&parameter.default);
            parameter.check(id, value);
            (id.as_str(), value.as_str())
        });
        let values = parameters.chain([("project-name", name), ("output-path", output_path)]);
        values
            .map(|(id, value)| (id.to_owned().into(), Value::scalar(value.to_owned())))
            .collect()
    }

    fn write_content(&self, variant: &Variant, values: &liquid::Object, to: &Path) {
        let content = self.dir.join("content");
        for file in files(&content) {
            if variant
                .skip_files
                .iter()
                .any(|skipped| content.join(skipped) == file)
            {
                continue;
            }
            let mut target = to.join(file.strip_prefix(&content).unwrap());
            if target
                .extension()
                .is_some_and(|extension| extension == "tmpl")
            {
                target.set_extension("");
            }
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            fs::write(target, render(&read(&file), values)).unwrap();
        }
    }
}

/// Refuses what Spin refuses.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TemplateManifest {
    manifest_version: String,
    id: String,
    #[allow(dead_code, reason = "Spin shows it")]
    description: String,
    #[allow(dead_code, reason = "Spin searches it")]
    tags: Vec<String>,
    new_application: Option<Variant>,
    add_component: Option<Variant>,
    #[serde(default)]
    parameters: BTreeMap<String, Parameter>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Variant {
    supported: Option<bool>,
    skip_files: Vec<String>,
    snippets: BTreeMap<String, String>,
    conditions: HashMap<String, Conditional>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Conditional {
    condition: Condition,
    #[serde(default)]
    skip_files: Vec<String>,
    #[serde(default)]
    skip_snippets: Vec<String>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Condition {
    manifest_entry_exists: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameter {
    #[serde(rename = "type")]
    #[allow(dead_code, reason = "Spin has but one")]
    kind: String,
    #[allow(dead_code, reason = "Spin asks with it")]
    prompt: String,
    /// Without one, `spin new --accept-defaults` would fail.
    default: String,
    #[serde(default)]
    allowed_values: Option<Vec<String>>,
}

impl Parameter {
    fn check(&self, id: &str, value: &str) {
        let allowed = self.allowed_values.as_ref();
        let fits = allowed.is_none_or(|allowed| allowed.iter().any(|a| a == value));
        assert!(fits, "`{id}` cannot be `{value}`");
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            if path.ends_with("__pycache__") {
                vec![]
            } else if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

/// Spin writes a file that is no valid template as it is; here that is an error.
fn render(text: &str, values: &liquid::Object) -> String {
    let parser = liquid::ParserBuilder::with_stdlib()
        .filter(Kebab)
        .filter(Pascal)
        .filter(Snake);
    let template = parser
        .build()
        .unwrap()
        .parse(text)
        .unwrap_or_else(|e| panic!("{e}\n{text}"));
    template.render(values).unwrap()
}

macro_rules! case_filter {
    ($parser:ident, $filter:ident, $name:literal, $convert:path) => {
        #[derive(Clone, ParseFilter, FilterReflection)]
        #[filter(name = $name, description = $name, parsed($filter))]
        struct $parser;

        #[derive(Debug, Default, Display_filter)]
        #[name = $name]
        struct $filter;

        impl Filter for $filter {
            fn evaluate(&self, input: &dyn ValueView, _runtime: &dyn Runtime) -> Result<Value> {
                Ok(Value::scalar($convert(input.to_kstr().as_str())))
            }
        }
    };
}

case_filter!(Kebab, KebabFilter, "kebab_case", ToKebabCase::to_kebab_case);
case_filter!(
    Pascal,
    PascalFilter,
    "pascal_case",
    ToUpperCamelCase::to_upper_camel_case
);
case_filter!(Snake, SnakeFilter, "snake_case", ToSnakeCase::to_snake_case);
