//! An OCI layout of three compressed layers, of which the later hide files of the first, and a registry
//! that serves it.

#![expect(clippy::unwrap_used, reason = "a test that meets what it does not expect has failed")]

use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// Writes a layout of an image with this name; returns its directory.
pub(crate) fn write(parent: &Path, name: &str) -> PathBuf {
    let root = parent.join("layout");
    std::fs::create_dir_all(root.join("blobs/sha256")).unwrap();
    let busybox = std::fs::read("/bin/busybox").unwrap();
    let layers = [
        layer(&[
            ("bin/busybox", &busybox),
            ("data/old", b"1"),
            ("data/kept", b"2"),
            ("all/old", b"3"),
        ]),
        layer(&[("data/.wh.old", b"")]),
        layer(&[("all/.wh..wh..opq", b""), ("all/new", b"4")]),
    ];
    let diff_ids: Vec<String> = layers.iter().map(|layer| digest(layer)).collect();
    let config = json!({"architecture": "amd64", "os": "linux",
        "config": {"Entrypoint": ["/bin/busybox"], "Cmd": ["find", "/data", "/all"], "WorkingDir": "/data"},
        "rootfs": {"type": "layers", "diff_ids": diff_ids}});
    let config =
        blob(&root, config.to_string().as_bytes(), "application/vnd.oci.image.config.v1+json");
    let layers = layers.map(|layer| {
        let mut compressed = GzEncoder::new(vec![], Compression::default());
        compressed.write_all(&layer).unwrap();
        blob(&root, &compressed.finish().unwrap(), "application/vnd.oci.image.layer.v1.tar+gzip")
    });
    let manifest =
        json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers});
    let mut manifest = blob(&root, manifest.to_string().as_bytes(), MANIFEST);
    manifest["annotations"] = json!({"io.containerd.image.name": name});
    let index = json!({"schemaVersion": 2, "manifests": [manifest]});
    std::fs::write(root.join("index.json"), index.to_string()).unwrap();
    std::fs::write(root.join("oci-layout"), r#"{"imageLayoutVersion": "1.0.0"}"#).unwrap();
    root
}

fn layer(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = tar::Builder::new(vec![]);
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o755);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        archive.append_data(&mut header, path, *content).unwrap();
    }
    archive.into_inner().unwrap()
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{:x}", Sha256::digest(bytes))
}

fn blob(root: &Path, bytes: &[u8], media_type: &str) -> Value {
    let digest = digest(bytes);
    std::fs::write(root.join("blobs").join(digest.replace(':', "/")), bytes).unwrap();
    json!({"mediaType": media_type, "digest": digest, "size": bytes.len()})
}

/// Serves a layout's only image under any name for as long as the runtime lives; returns its address.
pub(crate) async fn serve(root: PathBuf) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, root.clone()));
        }
    });
    address
}

async fn answer(mut stream: TcpStream, root: PathBuf) {
    let mut request = vec![0; 8192];
    let length = stream.read(&mut request).await.unwrap();
    let request = String::from_utf8_lossy(&request[..length]).into_owned();
    let path = request.split(' ').nth(1).unwrap_or_default();
    let index: Value =
        serde_json::from_slice(&std::fs::read(root.join("index.json")).unwrap()).unwrap();
    let manifest = index["manifests"][0]["digest"].as_str().unwrap();
    let found = match path.rsplit_once("/blobs/") {
        Some((_, digest)) => Some((digest, "application/octet-stream")),
        None if path.contains("/manifests/") => Some((manifest, MANIFEST)),
        None => None,
    };
    let (body, media_type) = found.map_or((vec![], "text/plain"), |(digest, media_type)| {
        (std::fs::read(root.join("blobs").join(digest.replace(':', "/"))).unwrap(), media_type)
    });
    let head = format!(
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: {media_type}\r\nDocker-Content-Digest: {}\r\nContent-Length: {}\r\n\r\n",
        digest(&body),
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&body).await.unwrap();
}
