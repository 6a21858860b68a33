use super::*;
use std::path::Path;

const EXAMPLE: &str = include_str!("../../../config/tillside.toml");
const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// A file that is gone when the test is over.
struct TempFile(PathBuf);

impl TempFile {
    fn new(name: &str, text: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tillside-test-{}-{name}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        Self(path)
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        // It may be gone already, and nothing depends on it.
        let _ = std::fs::remove_file(&self.0);
    }
}

fn load(file: Option<&Path>, environment: &[(&str, &str)], sets: &[&str]) -> Result<Config, ConfigError> {
    let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let sets = sets.iter().map(|set| (*set).to_owned()).collect();
    Layers { dev: false, file: file.map(Path::to_owned), environment, sets }.load()
}

#[test]
fn the_example_file_names_every_key_with_its_default() {
    let from_file: toml::Table = toml::from_str(EXAMPLE).unwrap();
    let mut defaults = toml::Table::try_from(Config::default()).unwrap();
    defaults.remove("tenants");
    assert_eq!(from_file, defaults);
}

#[test]
fn the_commented_tenants_of_the_example_can_be_used() {
    let start = EXAMPLE.find("# [[tenants]]").unwrap();
    let text: String = EXAMPLE[start..].lines().map(|line| line.strip_prefix("# ").unwrap_or("")).fold(
        String::new(),
        |mut text, line| {
            text.push_str(line);
            text.push('\n');
            text
        },
    );
    let config: Config = toml::from_str(&text).unwrap();
    assert_eq!(config.tenants[0].keys.len(), 2);
    // Every key of shared pages stands there with its default.
    let table: toml::Table = toml::from_str(&text).unwrap();
    let defaults = toml::Table::try_from(CobrowseConfig::default()).unwrap();
    assert_eq!(table["tenants"][0]["cobrowse"].as_table(), Some(&defaults));
}

#[test]
fn flags_beat_the_environment_beats_the_file_beats_the_defaults() {
    let file = TempFile::new("layers.toml", "[media]\nworkers = 3\nudp_port_base = 8000\ntcp_port = 1\n");
    let environment = [("TILLSIDE_MEDIA__WORKERS", "4"), ("TILLSIDE_MEDIA__UDP_PORT_BASE", "8100"), ("HOME", "x")];
    let config = load(Some(&file.0), &environment, &["media.workers=5"]).unwrap();
    assert_eq!((config.media.workers, config.media.udp_port_base, config.media.tcp_port), (5, 8100, 1));
    assert_eq!(config.signaling.listen.port(), 7880);
}

#[test]
fn values_of_every_kind_can_be_set_by_a_flag() {
    let sets = ["signaling.listen=127.0.0.1:0", "media.advertise=[\"192.0.2.1\", \"2001:db8::1\"]", "log.format=text"];
    let config = load(None, &[], &sets).unwrap();
    assert_eq!(config.signaling.listen.to_string(), "127.0.0.1:0");
    assert_eq!(config.media.advertise.len(), 2);
    assert_eq!(config.log.format, LogFormat::Text);
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let tenant = |rest: &str| format!("[[tenants]]\nid = \"shop\"\n{rest}");
    let page = |rest: &str| tenant(&format!("[tenants.cobrowse]\n{rest}\n"));
    let key = |rest: &str| tenant(&format!("[[tenants.keys]]\nid = \"k\"\n{rest}"));
    for (file, sets, expected) in [
        ("[media]\nworkers = 1\nworkerz = 2\n".to_owned(), "", "line 3: unknown field `workerz`"),
        ("[medium]\n".to_owned(), "", "line 1: unknown field `medium`"),
        ("[media]\nworkers = \"two\"\n".to_owned(), "", "line 2: invalid type"),
        ("[media\n".to_owned(), "", "line 1:"),
        (String::new(), "media.workerz=1", "--set media.workerz: unknown field `workerz`"),
        (String::new(), "media.workers=many", "--set media.workers: invalid type"),
        (String::new(), "media.workers", "--set media.workers: expected section.key=value"),
        (String::new(), "tenants.id=x", "only `section.key` can be set so"),
        (String::new(), "tls.key_file=/key.pem", "tls: set both"),
        (String::new(), "log.level=loud=loud", "log.level:"),
        (String::new(), "media.bind=[]", "media.bind: name at least one"),
        (String::new(), "media.bind=[\"0.0.0.0\", \"127.0.0.1\"]", "media.bind: at most one"),
        (String::new(), "media.advertise=[\"0.0.0.0\"]", "media.advertise:"),
        (key("secret = \"short\"\n"), "", "shorter than 32 bytes"),
        (key(""), "", "set `secret`, or `secret_file`"),
        (key("secret_file = \"/nowhere\"\n"), "", "cannot read /nowhere"),
        (key(&format!("secret = {DEV_SECRET:?}\n")), "", "known to everybody"),
        (tenant("origins = [\"shop.example\"]\n"), "", "is not an origin"),
        (tenant("origins = [\"https://shop.example/\"]\n"), "", "is not an origin"),
        (
            page("share = [\"form input\"]"),
            "",
            "tenants.cobrowse.share of \"shop\": \"form input\" cannot be used: only tag",
        ),
        (page("mask = [\"\"]"), "", "tenants.cobrowse.mask of \"shop\""),
        (page("block = [\".a\", \"p::before\"]"), "", "tenants.cobrowse.block of \"shop\": \"p::before\""),
        (page("pause_on = [\"/pay?x\"]"), "", "tenants.cobrowse.pause_on of \"shop\": name a part"),
        (page("nodes_max = 5"), "", "tenants.cobrowse.nodes_max of \"shop\": choose a number from 100 to 50000"),
        (page("control = \"all\""), "", "unknown variant `all`"),
        (page("hide = []"), "", "unknown field `hide`"),
        ("[[tenants]]\nid = \"a b\"\n".to_owned(), "", "cannot be a tenant or key id"),
        ("[[tenants]]\nid = \"a\"\n[[tenants]]\nid = \"a\"\n".to_owned(), "", "is there twice"),
    ] {
        let file = TempFile::new("wrong.toml", &file);
        let sets: Vec<&str> = Some(sets).filter(|set| !set.is_empty()).into_iter().collect();
        let error = load(Some(&file.0), &[], &sets).expect_err(expected).to_string();
        assert!(error.contains(expected), "expected {expected:?}, got {error:?}");
    }
    let error = load(None, &[("TILLSIDE_MEDIA__WORKERZ", "1")], &[]).unwrap_err().to_string();
    assert!(error.starts_with("TILLSIDE_MEDIA__WORKERZ: unknown field"), "{error}");
    let error = load(Some(Path::new("/nowhere.toml")), &[], &[]).unwrap_err().to_string();
    assert!(error.starts_with("cannot read the configuration file /nowhere.toml"), "{error}");
}

#[test]
fn sec_23_secrets_are_never_printed() {
    let text = format!("[[tenants]]\nid = \"shop\"\n[[tenants.keys]]\nid = \"k\"\nsecret = {SECRET:?}\n");
    let file = TempFile::new("secret.toml", &text);
    let config = load(Some(&file.0), &[], &["media.workers=1"]).unwrap();
    assert!(config.keyring().unwrap().authenticate("k", SECRET).is_some(), "the secret survives the layers");
    assert!(config.print().contains("***"));
    assert!(!config.print().contains(SECRET));
    assert!(!format!("{config:?} {:?}", config.keyring()).contains(SECRET));

    let broken = TempFile::new("broken.toml", &text.replace("id = \"k\"", "id = \"k\"\nwhat = 1"));
    let error = load(Some(&broken.0), &[], &[]).unwrap_err().to_string();
    assert!(!error.contains(SECRET), "{error}");
}

#[test]
fn dev_listens_on_loopback_only() {
    let dev = |sets: &[&str]| {
        let sets = sets.iter().map(|set| (*set).to_owned()).collect();
        Layers { dev: true, sets, ..Layers::default() }.load()
    };
    assert!(dev(&[]).unwrap().signaling.listen.ip().is_loopback());
    assert!(dev(&["signaling.listen=127.0.0.1:0"]).is_ok());
    for set in ["signaling.listen=0.0.0.0:7880", "admin.listen=192.0.2.1:1"] {
        assert!(dev(&[set]).unwrap_err().to_string().contains("loopback"), "{set}");
    }
}
