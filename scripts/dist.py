#!/usr/bin/env python3
"""Makes what a release consists of, in `target/dist`.

    scripts/dist.py [STEP...]

The steps, which run in this order if none is named:

    binary     builds the program, and packs it: mcp-VERSION-OS-ARCH.tar.gz
    packages   writes what the packages for crates.io contain beside their sources (folders `packed`)
    sbom       lists what the program and the components in it are made of: mcp-VERSION.cdx.json
    sdks       packs the SDKs for npm and PyPI, and checks the packages
    index      writes the plugin's manifest, mcp.json, for the tarballs that are there, and SHA256SUMS

DIST_TARGET is the Rust target to build for [default: that of this machine]. DIST_URL is where the manifest says
that the tarballs are [default: this folder]. SOURCE_DATE_EPOCH is the time of all files [default: the commit's].
"""

import gzip
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import uuid
from datetime import datetime, timezone
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).absolute()
DIST = ROOT / "target/dist"
NAME = "mcp"
# What Spin calls the platforms that releases are for.
PLATFORMS = {
    "x86_64-unknown-linux-gnu": ("linux", "amd64"),
    "aarch64-unknown-linux-gnu": ("linux", "aarch64"),
    "x86_64-apple-darwin": ("macos", "amd64"),
    "aarch64-apple-darwin": ("macos", "aarch64"),
    "x86_64-pc-windows-msvc": ("windows", "amd64"),
}
# The oldest Spin that runs what the templates make.
SPIN = ">=3.1"
WASM = "wasm32-wasip2"


def output(*command):
    return subprocess.run(command, cwd=ROOT, check=True, text=True, stdout=subprocess.PIPE).stdout


def package():
    """The package of the program, with all that depends on the workspace."""
    metadata = json.loads(output("cargo", "metadata", "--no-deps", "--format-version=1"))
    return next(package for package in metadata["packages"] if package["name"] == "spin-mcp")


def time():
    return int(os.environ.get("SOURCE_DATE_EPOCH") or output("git", "log", "-1", "--format=%ct"))


def host():
    return next(line[6:] for line in output("rustc", "-vV").splitlines() if line.startswith("host: "))


def build(*selected):
    """The path of the program, and the folder of the framework's components, of those that are built."""
    target = os.environ.get("DIST_TARGET")
    command = ["cargo", "build", "--release", "--locked", *selected, *([f"--target={target}"] if target else [])]
    messages = output(*command, "--message-format=json-render-diagnostics")
    program = components = None
    for message in map(json.loads, messages.splitlines()):
        if message["reason"] == "build-script-executed" and "spin-mcp-framework" in message["package_id"]:
            components = Path(message["out_dir"])
        elif message["reason"] == "compiler-artifact" and message["executable"]:
            program = Path(message["executable"])
    return program, components


def tarball(version, system, arch, folder=DIST):
    return folder / f"{NAME}-{version}-{system}-{arch}.tar.gz"


def binary():
    program, _ = build("--package=spin-mcp", "--bin=mcp")
    target = os.environ.get("DIST_TARGET") or host()
    if target not in PLATFORMS:
        sys.exit(f"error: Spin has no plugins for `{target}`; it has them for {', '.join(PLATFORMS)}")
    path = tarball(package()["version"], *PLATFORMS[target])
    DIST.mkdir(parents=True, exist_ok=True)
    # As `spin plugins install` wants them: the program has the plugin's name, at the top.
    files = [(program.name, program, 0o755), (f"{NAME}.license", ROOT / "LICENSE", 0o644)]
    with path.open("wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as zipped:
        with tarfile.open(fileobj=zipped, mode="w", format=tarfile.USTAR_FORMAT) as tar:
            for name, source, mode in sorted(files):
                content = source.read_bytes()
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode, entry.mtime = len(content), mode, time()
                tar.addfile(entry, io.BytesIO(content))
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size:,} bytes, `{program.name}` {program.stat().st_size:,}")


def packages():
    # What the program contains, if it was built; else without the program.
    built = list(DIST.glob("*.tar.gz"))
    _, components = build(*(["--package=spin-mcp", "--bin=mcp"] if built else ["--package=spin-mcp-framework"]))
    packed = ROOT / "crates/framework/packed"
    shutil.rmtree(packed, ignore_errors=True)
    packed.mkdir()
    for component in sorted(components.glob("*.wasm")):
        shutil.copyfile(component, packed / component.name)
    templates()


def templates(packed=ROOT / "packed"):
    """Links to files become files, and links to SDKs become files with their path, which build.rs follows."""
    shutil.rmtree(packed, ignore_errors=True)
    sdks = set()
    for name in output("git", "ls-files", "templates").splitlines():
        source, copy = ROOT / name, packed / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            copy.write_text(os.readlink(source) + "\n")
            sdks.add(source.resolve())
        else:
            shutil.copyfile(source, copy)
    for sdk in sorted(sdks):
        for folder, folders, files in os.walk(sdk, followlinks=True):
            folders[:] = sorted(set(folders) - {"__pycache__", "node_modules", "target"})
            to = packed / Path(folder).relative_to(ROOT)
            to.mkdir(parents=True, exist_ok=True)
            for file in files:
                # Cargo leaves out folders that have a `Cargo.toml`. Spin removes the ending.
                shutil.copyfile(Path(folder, file), to / (f"{file}.tmpl" if file == "Cargo.toml" else file))


def sdks():
    for folder in ("npm", "pypi"):
        shutil.rmtree(DIST / folder, ignore_errors=True)
        (DIST / folder).mkdir(parents=True)
    npm = ["npm", "pack", "--silent", "--pack-destination", DIST / "npm"]
    subprocess.run(npm, cwd=ROOT / "sdk/typescript", check=True)
    tools = Path(output("scripts/python-packaging.sh").strip()) / "bin"
    build = [tools / "python", "-m", "build", "--no-isolation", "--outdir", DIST / "pypi", "sdk/python"]
    subprocess.run(build, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    subprocess.run([tools / "twine", "check", "--strict", *(DIST / "pypi").iterdir()], check=True)


def sbom():
    program = package()
    tool = output("scripts/cyclonedx.sh").strip()
    builds = re.findall(r"packages: &\[(.*)\]", (ROOT / "crates/framework/build.rs").read_text())
    components = {f"spin-mcp-{name}" for build in builds for name in re.findall(r'"(.+?)"', build)}
    whole = bills(tool, os.environ.get("DIST_TARGET") or host(), [program["name"]])[program["name"]]
    known = {component["bom-ref"]: component for component in whole["components"]}
    dependencies = {entry["ref"]: set(entry.get("dependsOn", [])) for entry in whole["dependencies"]}
    carrier = next(ref for ref, component in known.items() if component["name"] == "spin-mcp-framework")
    # Both WASI builds, and all variants.
    for bill in bills(tool, WASM, components, "--all-features").values():
        root = bill["metadata"]["component"]
        root.pop("components", None)
        for component in [root, *bill["components"]]:
            known.setdefault(component["bom-ref"], component)
        for entry in bill["dependencies"]:
            dependencies.setdefault(entry["ref"], set()).update(entry.get("dependsOn", []))
        dependencies.setdefault(carrier, set()).add(root["bom-ref"])
    whole["components"] = [known[ref] for ref in sorted(known)]
    whole["dependencies"] = [{"ref": ref, "dependsOn": sorted(dependencies[ref])} for ref in sorted(dependencies)]
    whole["metadata"]["timestamp"] = datetime.fromtimestamp(time(), timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    whole.pop("serialNumber", None)
    # No folder of the machine that made it.
    text = json.dumps(whole, indent=1, sort_keys=True).replace(f"path+{ROOT.as_uri()}", "path+file://.")
    serial = uuid.uuid5(uuid.NAMESPACE_URL, hashlib.sha256(text.encode()).hexdigest())
    whole = {**json.loads(text), "serialNumber": serial.urn}
    DIST.mkdir(parents=True, exist_ok=True)
    path = DIST / f"{NAME}-{program['version']}.cdx.json"
    path.write_text(json.dumps(whole, indent=1, sort_keys=True) + "\n")
    print(f"{path.relative_to(ROOT)}: {len(known)} components")


def bills(tool, target, names, *features):
    """The bills of packages for a target. The tool writes one beside each manifest of the workspace."""
    command = [tool, "cyclonedx", "--format=json", "--spec-version=1.5", "--no-build-deps", f"--target={target}"]
    command += ["--override-filename=bill", "--quiet", *features]
    subprocess.run(command, cwd=ROOT, check=True)
    found = {}
    for path in (ROOT / name for name in output("git", "ls-files", "*Cargo.toml").splitlines()):
        bill = path.with_name("bill.json")
        if bill.exists():
            content = json.loads(bill.read_text())
            bill.unlink()
            if content["metadata"]["component"]["name"] in names:
                found[content["metadata"]["component"]["name"]] = content
    assert names and set(found) == set(names), set(names) - set(found)
    return found


def manifest(tarballs, url):
    """The plugin's manifest, as spin-plugins describes it."""
    of = package()
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in tarballs}
    entries = []
    for system, arch in PLATFORMS.values():
        name = tarball(of["version"], system, arch).name
        if name in found:
            entries.append({"os": system, "arch": arch, "url": f"{url}/{name}", "sha256": found[name]})
    return {
        "name": NAME,
        "description": of["description"],
        "homepage": of["repository"],
        "version": of["version"],
        "spinCompatibility": SPIN,
        "license": of["license"],
        "packages": entries,
    }


def index():
    url = os.environ.get("DIST_URL") or DIST.as_uri()
    content = manifest(sorted(DIST.glob("*.tar.gz")), url.rstrip("/"))
    (DIST / f"{NAME}.json").write_text(json.dumps(content, indent=2) + "\n")
    sums = DIST / "SHA256SUMS"
    files = sorted(path for path in DIST.iterdir() if path.is_file() and path != sums)
    sums.write_text("".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files))
    print(sums.read_text(), end="")


# The tool of the bill writes beside the sources, for which cargo would build the components again.
STEPS = {step.__name__: step for step in [binary, packages, sbom, sdks, index]}


def main():
    chosen = sys.argv[1:] or list(STEPS)
    if any(step not in STEPS for step in chosen):
        sys.exit(f"usage: scripts/dist.py [STEP...]\nsteps: {' '.join(STEPS)}")
    for step in chosen:
        STEPS[step]()


if __name__ == "__main__":
    main()
