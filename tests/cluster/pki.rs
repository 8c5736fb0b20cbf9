//! Certificates and kubeconfigs of one control plane.

use anyhow::{Context, Result};
use objects::json;
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use std::path::{Path, PathBuf};

/// Names by which the API server is called.
const SERVER_NAMES: [&str; 4] = ["127.0.0.1", "localhost", "kubernetes.default.svc", "10.0.0.1"];

pub struct Pki {
    folder: PathBuf,
    authority: Issuer<'static, KeyPair>,
}

impl Pki {
    /// An authority of its own, the API server's certificate and the keys of service accounts.
    pub fn create(folder: &Path) -> Result<Pki> {
        std::fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "nodewright test authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let certificate = params.self_signed(&key)?.pem();
        let pki = Pki { folder: folder.to_path_buf(), authority: Issuer::new(params, key) };
        pki.write("ca.crt", &certificate)?;

        let mut server = CertificateParams::new(SERVER_NAMES.map(str::to_owned).to_vec())?;
        server.distinguished_name.push(DnType::CommonName, "kube-apiserver");
        pki.issue("server", server, ExtendedKeyUsagePurpose::ServerAuth)?;
        let accounts = KeyPair::generate()?;
        pki.write("accounts.key", &accounts.serialize_pem())?;
        pki.write("accounts.pub", &accounts.public_key_pem())?;
        Ok(pki)
    }

    pub fn path(&self, name: &str) -> String {
        self.folder.join(name).to_string_lossy().into_owned()
    }

    /// A kubeconfig for the server at `url` as `user` of `group`; its context is called as the user is. A certificate's name can
    /// have more than one group, and those of this library cannot.
    pub fn kubeconfig(&self, url: &str, user: &str, group: Option<&str>) -> Result<String> {
        let file = user.replace(':', "-");
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, user);
        if let Some(group) = group {
            params.distinguished_name.push(DnType::OrganizationName, group);
        }
        self.issue(&file, params, ExtendedKeyUsagePurpose::ClientAuth)?;
        let (certificate, key) = (self.path(&format!("{file}.crt")), self.path(&format!("{file}.key")));
        // JSON is YAML.
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": user,
            "clusters": [{"name": "real", "cluster": {"server": url, "certificate-authority": self.path("ca.crt")}}],
            "users": [{"name": user, "user": {"client-certificate": certificate, "client-key": key}}],
            "contexts": [{"name": user, "context": {"cluster": "real", "user": user}}],
        });
        let name = format!("{file}.kubeconfig");
        self.write(&name, &config.to_string())?;
        Ok(self.path(&name))
    }

    fn issue(&self, name: &str, mut params: CertificateParams, usage: ExtendedKeyUsagePurpose) -> Result<()> {
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.authority)?;
        self.write(&format!("{name}.crt"), &certificate.pem())?;
        self.write(&format!("{name}.key"), &key.serialize_pem())
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        std::fs::write(self.folder.join(name), text).with_context(|| format!("write {name}"))
    }
}
