//! What an image in a registry is: a component, or something that merely looks like one.

use anyhow::{Result, bail, ensure};
use oci_client::manifest::{OciDescriptor, OciImageManifest, OciManifest};

use spin_mcp_component::{Digest, MAX_COMPONENT};

pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub const CONFIG: &str = "application/vnd.wasm.config.v0+json";
pub const LAYER: &str = "application/wasm";
/// What Spin and older tools call the layer.
const OLDER_LAYER: &str = "application/vnd.wasm.content.layer.v1+wasm";
const SPIN_APP: &str = "application/vnd.fermyon.spin.application.v1+config";

/// The layer of an image that is a component.
#[derive(Debug)]
pub struct Layer {
    pub digest: Digest,
    pub size: u64,
}

/// Reads the manifest of a component that `wkg oci push`, `spin mcp push` or `spin registry push`
/// published. Nothing in the errors names the image.
pub fn read(manifest: &[u8]) -> Result<(OciImageManifest, Layer)> {
    let manifest = match serde_json::from_slice(manifest) {
        Ok(OciManifest::Image(manifest)) => manifest,
        Ok(OciManifest::ImageIndex(_)) => bail!(
            "it is an index of images for several platforms, not a component; name one of them by its digest"
        ),
        Err(error) => bail!("its manifest cannot be read: {error}"),
    };
    let layer = find(&manifest.layers)?;
    let size = u64::try_from(layer.size).unwrap_or(0);
    ensure!(size > 0, "its layer is empty, so it is no component");
    ensure!(
        size <= MAX_COMPONENT,
        "it has {} MB, and a component may have {} MB at most",
        size.div_ceil(1_000_000),
        MAX_COMPONENT / 1_000_000
    );
    let digest = layer.digest.parse()?;
    Ok((manifest, Layer { digest, size }))
}

fn find(layers: &[OciDescriptor]) -> Result<&OciDescriptor> {
    let is = |layer: &&OciDescriptor, kinds: &[&str]| kinds.contains(&layer.media_type.as_str());
    let components: Vec<_> = layers
        .iter()
        .filter(|layer| is(layer, &[LAYER, OLDER_LAYER]))
        .collect();
    let app = layers.iter().any(|layer| is(&layer, &[SPIN_APP]));
    match (components.as_slice(), app) {
        ([component], true) if layers.len() == 2 => Ok(component),
        ([component], false) if layers.len() == 1 => Ok(component),
        ([], false) => bail!(
            "it is a container image or another artifact, not a component: its layers are of the type `{}`",
            layers.first().map_or("none", |layer| &layer.media_type)
        ),
        (_, true) => bail!(
            "it is a Spin app of several components or files, and a feature is one component; push the component by \
             itself with `spin mcp push`"
        ),
        (_, false) => bail!(
            "it has {} layers, and a component is one; push the component by itself with `spin mcp push`",
            layers.len()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(layers: &[(&str, i64)]) -> String {
        read(&manifest(layers)).unwrap_err().to_string()
    }

    fn manifest(layers: &[(&str, i64)]) -> Vec<u8> {
        let digest = Digest::of(b"").to_string();
        let layer = |(kind, size): &(&str, i64)| serde_json::json!({"mediaType": kind, "digest": digest, "size": size});
        let manifest = serde_json::json!({
            "schemaVersion": 2,
            "config": {"mediaType": CONFIG, "digest": digest, "size": 2},
            "layers": layers.iter().map(layer).collect::<Vec<_>>(),
        });
        manifest.to_string().into_bytes()
    }

    #[test]
    fn a_component_is_one_layer() {
        for layers in [
            &[(LAYER, 8)][..],
            &[(OLDER_LAYER, 8)],
            &[(OLDER_LAYER, 8), (SPIN_APP, 9)],
        ] {
            assert_eq!(read(&manifest(layers)).unwrap().1.size, 8);
        }
    }

    #[test]
    fn what_is_no_component_is_told() {
        assert_eq!(
            error(&[(LAYER, 8), (LAYER, 9)]),
            "it has 2 layers, and a component is one; push the component by itself with `spin mcp push`"
        );
        assert_eq!(
            error(&[
                (OLDER_LAYER, 8),
                (OLDER_LAYER, 8),
                ("text/plain", 1),
                (SPIN_APP, 9)
            ]),
            "it is a Spin app of several components or files, and a feature is one component; push the \
             component by itself with `spin mcp push`"
        );
        let tar = "application/vnd.oci.image.layer.v1.tar+gzip";
        assert_eq!(
            error(&[(tar, 8)]),
            "it is a container image or another artifact, not a component: its layers are of the type \
             `application/vnd.oci.image.layer.v1.tar+gzip`"
        );
        assert!(error(&[]).ends_with("of the type `none`"));
        assert_eq!(
            error(&[(LAYER, 0)]),
            "its layer is empty, so it is no component"
        );
        assert_eq!(
            error(&[(LAYER, -1)]),
            "its layer is empty, so it is no component"
        );
        assert_eq!(
            error(&[(LAYER, 200_000_001)]),
            "it has 201 MB, and a component may have 200 MB at most"
        );
        let index = br#"{"schemaVersion": 2, "manifests": []}"#;
        assert!(
            read(index)
                .unwrap_err()
                .to_string()
                .starts_with("it is an index of images")
        );
        assert!(
            read(b"{}")
                .unwrap_err()
                .to_string()
                .starts_with("its manifest cannot be read")
        );
    }
}
