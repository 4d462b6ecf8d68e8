//! The image: nothing but the binary. There is no container engine here, so the binary runs in a folder that holds what a
//! container would: itself, and the files that a pod gets.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use k8s_openapi::ByteString;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::cluster::{Cluster, alone, poll};
use crate::support::operator;
use crate::support::process::dying_with_this_process;

/// Where a pod finds its ServiceAccount.
const SERVICE_ACCOUNT: &str = "var/run/secrets/kubernetes.io/serviceaccount";

/// A folder with the binary of the image, and nothing else.
fn image() -> TempDir {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    // It is compiled without optimization, in a fourth of the time.
    let quick = ["--config", "profile.dev.package.vnet-operator.opt-level=0"];
    let built = Command::new(root.join("tools/static")).args(quick).stderr(Stdio::inherit()).output().unwrap();
    assert!(built.status.success());
    let binary = PathBuf::from(String::from_utf8(built.stdout).unwrap().trim());
    let folder = TempDir::new().unwrap();
    fs::copy(binary, folder.path().join("vnet")).unwrap();
    folder
}

/// The binary in its folder, which is all that it sees.
fn run_in(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = dying_with_this_process("unshare");
    command.args(["--map-root-user", "--root"]).arg(folder).args(["--wd", "/", "/vnet"]).args(arguments);
    command.env_clear().stdin(Stdio::null());
    command
}

/// Gives the folder what a pod of the operator's ServiceAccount gets.
fn mount_service_account(cluster: &Cluster, folder: &Path) {
    let files = folder.join(SERVICE_ACCOUNT);
    fs::create_dir_all(&files).unwrap();
    let token = cluster.kubectl(&["create", "token", "image", "-n", "vnet-image"], "");
    assert!(token.ok, "{token:?}");
    fs::write(files.join("token"), token.out.trim()).unwrap();
    fs::write(files.join("namespace"), "vnet-image").unwrap();
    let config = cluster.kubectl(&["config", "view", "--raw", "--flatten", "-o", "json"], "");
    let config: Value = serde_json::from_str(&config.out).unwrap();
    let authority = config["clusters"][0]["cluster"]["certificate-authority-data"].clone();
    let ByteString(authority) = serde_json::from_value(authority).unwrap();
    fs::write(files.join("ca.crt"), authority).unwrap();
}

struct Stopped(Child);

impl Drop for Stopped {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[test]
fn the_binary_of_the_image_needs_no_other_file_and_runs_as_a_pod_does() {
    let folder = image();
    let told = run_in(folder.path(), &["rules", "ADDR-08"]).output().unwrap();
    assert!(told.status.success() && String::from_utf8_lossy(&told.stdout).starts_with("ADDR-08 ("), "{told:?}");

    let cluster = alone();
    cluster.stop_operator();
    for arguments in [
        &["create", "namespace", "vnet-image"][..],
        &["create", "serviceaccount", "image", "-n", "vnet-image"],
        &["create", "clusterrolebinding", "image", "--clusterrole=cluster-admin", "--serviceaccount=vnet-image:image"],
    ] {
        let told = cluster.kubectl(arguments, "");
        assert!(told.ok, "{told:?}");
    }
    mount_service_account(&cluster, folder.path());
    let server = cluster.kubectl(&["config", "view", "-o", "jsonpath={.clusters[0].cluster.server}"], "").out;
    let (host, port) = server.trim().trim_start_matches("https://").rsplit_once(':').unwrap();
    let health_port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let log = folder.path().join("log");
    let mut command = run_in(folder.path(), &["run", "--health-addr", &format!("127.0.0.1:{health_port}")]);
    command.env("KUBERNETES_SERVICE_HOST", host).env("KUBERNETES_SERVICE_PORT", port);
    command.stderr(File::create(&log).unwrap());
    let process = Stopped(command.spawn().unwrap());
    let ready = poll("the operator is ready", || {
        operator::get(health_port, "/readyz").filter(|answer| answer.contains(" 200 "))
    });
    drop(process);
    for arguments in
        [&["delete", "clusterrolebinding", "image"][..], &["delete", "namespace", "vnet-image", "--wait=false"]]
    {
        assert!(cluster.kubectl(arguments, "").ok);
    }
    ready.unwrap_or_else(|error| panic!("{error}\n{}", fs::read_to_string(&log).unwrap()));
}

/// The lines of a Dockerfile that begin with this instruction.
fn lines_of<'a>(dockerfile: &'a str, instruction: &str) -> Vec<&'a str> {
    let lines = dockerfile.lines().filter_map(|line| line.split_once(' ').filter(|(word, _)| *word == instruction));
    lines.map(|(_, rest)| rest).collect()
}

#[test]
fn the_image_holds_the_static_binary_alone_and_runs_it_as_nobody() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dockerfile = fs::read_to_string(root.join("Dockerfile")).unwrap();
    let of = |instruction| lines_of(&dockerfile, instruction);
    assert_eq!(of("FROM")[1..], ["scratch"]);
    assert!(of("RUN")[0].contains("tools/static --release"), "{dockerfile}");
    assert_eq!(of("COPY")[1..], ["--from=build /vnet /vnet"]);
    assert_eq!(
        (&of("USER")[..], &of("ENTRYPOINT")[..], &of("CMD")[..]),
        (&["65532:65532"][..], &["[\"/vnet\"]"][..], &["[\"run\"]"][..])
    );
    let version = format!("rust:{}-", env!("CARGO_PKG_RUST_VERSION"));
    assert!(of("FROM")[0].starts_with(&version), "the version of Rust is that of Cargo.toml");
    let ignored = fs::read_to_string(root.join(".dockerignore")).unwrap();
    assert!(ignored.lines().all(|line| !line.starts_with(".git")), "the binary would not know its commit: {ignored}");
    let workflow: Value =
        serde_saphyr::from_str(&fs::read_to_string(root.join("examples/ci/image.yaml")).unwrap()).unwrap();
    let platforms = workflow["jobs"]["image"]["strategy"]["matrix"]["include"].as_array().unwrap();
    let platforms: Vec<&str> = platforms.iter().map(|one| one["platform"].as_str().unwrap()).collect();
    assert_eq!(platforms, ["linux/amd64", "linux/arm64"]);
}
