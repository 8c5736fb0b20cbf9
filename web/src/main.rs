//! Starts the page: mounts the playground into `#nodewright` (or the body) with the options of the address.

fn main() {
    nodewright_web::boot();
}
