//! Finds the component in the manifest of an image.
//!
//! `oci-wasm` 0.6 does this too, but needs `oci-client` 0.17 and `wit-component` 0.253, so both would be
//! compiled twice. It also rejects what Spin publishes, and does not bound what it reads.

use anyhow::{Result, bail, ensure};
use oci_client::manifest::{OciDescriptor, OciImageManifest, OciManifest};

use spin_mcp_component::{Digest, MAX_COMPONENT};

pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub const CONFIG: &str = "application/vnd.wasm.config.v0+json";
pub const LAYER: &str = "application/wasm";
/// The layer's type in what Spin and older tools publish.
const OLDER_LAYER: &str = "application/vnd.wasm.content.layer.v1+wasm";
const SPIN_APP: &str = "application/vnd.fermyon.spin.application.v1+config";

/// The layer of an image that contains the component.
#[derive(Debug)]
pub struct Layer {
    pub digest: Digest,
    pub size: u64,
}

/// Reads the manifest of a component that `wkg oci push`, `spin mcp push` or `spin registry push`
/// published. The caller adds the name of the image to errors.
pub fn read(manifest: &[u8]) -> Result<(OciImageManifest, Layer)> {
    let manifest = match serde_json::from_slice(manifest) {
        Ok(OciManifest::Image(manifest)) => manifest,
        Ok(OciManifest::ImageIndex(_)) => bail!(
            "the image is an index of images for several platforms; name one of them by its digest"
        ),
        Err(error) => bail!("invalid manifest: {error}"),
    };
    let layer = find(&manifest.layers)?;
    let size = u64::try_from(layer.size).unwrap_or(0);
    ensure!(
        size > 0,
        "the image has an empty layer, so it is not a component"
    );
    ensure!(
        size <= MAX_COMPONENT,
        "the component has {} MB; the limit is {} MB",
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
            "the image is not a component: its layers have the type `{}`",
            layers.first().map_or("none", |layer| &layer.media_type)
        ),
        (_, true) => bail!(
            "the image is a Spin app with several components or files; push the component by itself with \
             `spin mcp push`"
        ),
        (_, false) => bail!(
            "the image has {} layers instead of one; push the component by itself with `spin mcp push`",
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
    fn other_images_are_refused() {
        assert_eq!(
            error(&[(LAYER, 8), (LAYER, 9)]),
            "the image has 2 layers instead of one; push the component by itself with `spin mcp push`"
        );
        assert_eq!(
            error(&[
                (OLDER_LAYER, 8),
                (OLDER_LAYER, 8),
                ("text/plain", 1),
                (SPIN_APP, 9)
            ]),
            "the image is a Spin app with several components or files; push the component by itself with \
             `spin mcp push`"
        );
        let tar = "application/vnd.oci.image.layer.v1.tar+gzip";
        assert_eq!(
            error(&[(tar, 8)]),
            "the image is not a component: its layers have the type \
             `application/vnd.oci.image.layer.v1.tar+gzip`"
        );
        assert!(error(&[]).ends_with("have the type `none`"));
        assert_eq!(
            error(&[(LAYER, 0)]),
            "the image has an empty layer, so it is not a component"
        );
        assert_eq!(
            error(&[(LAYER, -1)]),
            "the image has an empty layer, so it is not a component"
        );
        assert_eq!(
            error(&[(LAYER, 200_000_001)]),
            "the component has 201 MB; the limit is 200 MB"
        );
        let index = br#"{"schemaVersion": 2, "manifests": []}"#;
        assert!(
            read(index)
                .unwrap_err()
                .to_string()
                .starts_with("the image is an index")
        );
        assert!(
            read(b"{}")
                .unwrap_err()
                .to_string()
                .starts_with("invalid manifest")
        );
    }
}
