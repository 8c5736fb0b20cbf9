//! Lessons are written in YAML and built in as JSON, so that a program with lessons needs no YAML reader.

use std::path::Path;
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-changed=data");
    let out = env::var("OUT_DIR").expect("cargo gives a folder");
    for entry in fs::read_dir("data").expect("the folder of lessons") {
        let path = entry.expect("an entry of the folder").path();
        let text = fs::read_to_string(&path).expect("a lesson");
        let stream = objects::yaml::parse(&text);
        assert!(stream.error.is_none(), "{}: {:?}", path.display(), stream.error);
        let document = stream.documents.first().unwrap_or_else(|| panic!("{} is empty", path.display()));
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        fs::write(Path::new(&out).join(name + ".json"), document.value.to_string()).expect("the folder can be written");
    }
}
