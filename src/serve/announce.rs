//! What a start prints.

use crate::bootstrap::FirstKeys;
use crate::config::Config;

/// Where the other commands look for a server when they are not told.
const DEFAULT_ADDRESS: &str = "127.0.0.1:7070";

/// Where it listens, for whoever started it on a port of the system's choice. Whether that is all
/// there is to say.
pub fn address(config: &Config, address: &str) -> bool {
    let chosen = config.listen.ends_with(":0");
    if chosen {
        println!("{}", serde_json::json!({ "listening": address }));
    }
    chosen
}

/// Says where the API listens, and shows first keys, once.
pub fn api(config: &Config, at: &str, public_url: &str, keys: &FirstKeys) {
    if address(config, at) {
        return;
    }
    println!("Theazo listens on http://{at} (data in {})", config.data_dir.display());
    if let Some(live) = &keys.live {
        println!("\n  live key  {live}");
    }
    if let Some(test) = &keys.test {
        println!("  test key  {test}");
    }
    if keys.live.is_some() || keys.test.is_some() {
        println!("\nThese keys are shown this once. More: theazo keys create");
    }
    let key = keys.live.as_deref().unwrap_or("$THEAZO_API_KEY");
    println!("\nTry, in another terminal:");
    let to = if at == DEFAULT_ADDRESS { String::new() } else { format!(" --url http://{at}") };
    println!("  target/release/theazo demo{to}");
    println!(
        "  curl {public_url}/v1/sessions -H 'Authorization: Bearer {key}' \\\n       \
         -H 'Content-Type: application/json' -d '{{\"userId\": \"user_123\"}}'"
    );
    println!("  target/release/theazo log read");
    println!("\nThe API's reference: {public_url}/docs");
}
