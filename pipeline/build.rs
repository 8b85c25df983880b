//! Builds again when a migration is added: the list of migrations is made by a macro, which cargo cannot look into.

fn main() {
    println!("cargo::rerun-if-changed=../sql/migrations");
}
