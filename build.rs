//! Rebuild when a migration is added (sqlx embeds them), and make sure the folder of built web files exists.

fn main() -> std::io::Result<()> {
    println!("cargo:rerun-if-changed=migrations");
    // Debug builds read the web files from disk; release builds carry them.
    if std::env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        println!("cargo:rerun-if-changed=web/dist");
        println!("cargo:rerun-if-changed=web/templates");
    }
    std::fs::create_dir_all("web/dist")
}
