//! Rebuild when a migration is added (sqlx embeds them), and make sure the folder of built web files exists.

fn main() -> std::io::Result<()> {
    println!("cargo:rerun-if-changed=migrations");
    println!("cargo:rerun-if-changed=web/dist");
    std::fs::create_dir_all("web/dist")
}
