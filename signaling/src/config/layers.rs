//! File, environment and flags, laid over the defaults.

use super::Config;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// Environment variables that set keys begin so: `TILLSIDE_MEDIA__WORKERS=2` is `media.workers`.
const ENV_PREFIX: &str = "TILLSIDE_";

/// Where a configuration comes from.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    /// Start from [`Config::dev`].
    pub dev: bool,
    /// The file, if there is one.
    pub file: Option<PathBuf>,
    /// The process's environment.
    pub environment: Vec<(String, String)>,
    /// `--set` flags: `section.key=value`.
    pub sets: Vec<String>,
}

/// Why a configuration cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration file {path}: {why}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
    /// The file is not TOML, or has an unknown key or a value of the wrong type.
    #[error("{path}: {why}")]
    Parse {
        /// Which.
        path: PathBuf,
        /// Line, column and reason.
        why: String,
    },
    /// An environment variable or a flag sets an unknown key, or one to a value of the wrong type.
    #[error("{origin}: {why}")]
    Override {
        /// The variable or the flag.
        origin: String,
        /// The reason.
        why: String,
    },
    /// A value that cannot work.
    #[error("{key}: {why}")]
    Invalid {
        /// The key.
        key: String,
        /// The reason, and the way out.
        why: String,
    },
}

impl Layers {
    /// Lays everything over the defaults and checks the result.
    ///
    /// # Errors
    /// See [`ConfigError`]: the first thing that is wrong, with its place.
    pub fn load(&self) -> Result<Config, ConfigError> {
        let mut config = if self.dev { Config::dev() } else { Config::default() };
        if let Some(path) = &self.file {
            config = from_file(&config, path)?;
        }
        for (name, value) in &self.environment {
            // Variables without a section, such as TILLSIDE_CONFIG, are flags of the command line.
            let Some(path) = name.strip_prefix(ENV_PREFIX).filter(|path| path.contains("__")) else { continue };
            let path = path.to_ascii_lowercase().replace("__", ".");
            config = overridden(&config, &path, value, name)?;
        }
        for set in &self.sets {
            let origin = format!("--set {}", set.split('=').next().unwrap_or_default());
            let Some((path, value)) = set.split_once('=') else {
                return Err(ConfigError::Override { origin, why: "expected section.key=value".to_owned() });
            };
            config = overridden(&config, path, value, &origin)?;
        }
        config.check()?;
        Ok(config)
    }
}

/// The file laid over `base`. Parsed once by itself, so that mistakes are named with their line.
fn from_file(base: &Config, path: &Path) -> Result<Config, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| ConfigError::File { path: path.to_owned(), why: error.to_string() })?;
    let parse = |error: toml::de::Error| ConfigError::Parse { path: path.to_owned(), why: explain(&text, &error) };
    let alone: Config = toml::from_str(&text).map_err(parse)?;
    let table: Table = toml::from_str(&text).map_err(parse)?;
    let mut merged = to_table(base);
    // Tenants hold secrets, which do not survive being written out: they are taken over as they were read.
    let tenants = if table.contains_key("tenants") { alone.tenants } else { base.tenants.clone() };
    lay_over(&mut merged, table);
    finish(merged, base.dev, tenants).map_err(parse)
}

fn overridden(base: &Config, path: &str, value: &str, origin: &str) -> Result<Config, ConfigError> {
    let fail = |why: String| ConfigError::Override { origin: origin.to_owned(), why };
    let keys: Vec<&str> = path.split('.').collect();
    if keys.len() != 2 || keys[0] == "tenants" {
        return Err(fail("only `section.key` can be set so; tenants stand in the file".to_owned()));
    }
    let with = |value: Value| {
        let mut table = to_table(base);
        let section = table.entry(keys[0]).or_insert_with(|| Value::Table(Table::new()));
        if let Some(section) = section.as_table_mut() {
            section.insert(keys[1].to_owned(), value);
        }
        finish(table, base.dev, base.tenants.clone())
    };
    // `2` is a number and `[\"::1\"]` a list; what is no TOML value, such as an address, is a text.
    let typed = toml::from_str::<Table>(&format!("value = {value}")).ok().and_then(|mut table| table.remove("value"));
    let outcome = match typed {
        Some(typed) => with(typed).or_else(|error| with(Value::String(value.to_owned())).map_err(|_| error)),
        None => with(Value::String(value.to_owned())),
    };
    outcome.map_err(|error| fail(error.message().to_owned()))
}

/// Everything but the tenants, as a table.
fn to_table(config: &Config) -> Table {
    let config = Config { tenants: Vec::new(), ..config.clone() };
    Table::try_from(config).expect("every field has a TOML form")
}

fn finish(mut table: Table, dev: bool, tenants: Vec<super::TenantConfig>) -> Result<Config, toml::de::Error> {
    table.remove("tenants");
    let config: Config = table.try_into()?;
    Ok(Config { tenants, dev, ..config })
}

fn lay_over(base: &mut Table, over: Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(base)), Value::Table(over)) => lay_over(base, over),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

/// The place and the reason, without the excerpt that toml would add: it may show a secret.
fn explain(text: &str, error: &toml::de::Error) -> String {
    let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
    format!("line {line}: {}", error.message())
}
