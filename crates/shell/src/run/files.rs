//! A small virtual home: directories and text files, bounded.

use objects::collections::Order as _;
use objects::collections::{VecMap, VecSet};
use std::cell::Cell;

/// The end of the message, as `strerror` has it.
pub const IS_DIRECTORY: &str = "Is a directory";
const NO_FILE: &str = "No such file or directory";

/// Most bytes in one file.
const FILE_BYTES: usize = 8 << 20;
/// Most bytes in all of them.
const BYTES: usize = 64 << 20;
/// Most files and directories.
const ENTRIES: usize = 1_000;

#[derive(Clone, Debug)]
pub struct Files {
    files: VecMap<String, String>,
    directories: VecSet<String>,
    /// Files that may be run.
    programs: VecSet<String>,
    /// Bytes in all files.
    bytes: usize,
    /// Bytes read and written since somebody asked.
    moved: Cell<usize>,
}

impl Files {
    pub fn new(home: &str) -> Files {
        let directories = VecSet::from(["/".to_owned(), "/tmp".to_owned()]);
        let mut files = Files { files: VecMap::new(), directories, programs: VecSet::new(), bytes: 0, moved: Cell::new(0) };
        let mut path = String::new();
        for part in home.split('/').filter(|p| !p.is_empty()) {
            path = format!("{path}/{part}");
            files.directories.insert(path.clone());
        }
        files
    }

    /// The absolute, normalised form of `path` as seen from `cwd`.
    pub fn absolute(cwd: &str, path: &str) -> String {
        let joined = if path.starts_with('/') { path.to_owned() } else { format!("{cwd}/{path}") };
        let mut parts: Vec<&str> = Vec::new();
        for part in joined.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop();
                }
                part => parts.push(part),
            }
        }
        format!("/{}", parts.join("/"))
    }

    pub fn is_dir(&self, path: &str) -> bool {
        self.directories.contains(path)
    }

    /// The size of a file; `None` where there is none.
    pub fn size(&self, path: &str) -> Option<usize> {
        self.files.get(path).map(String::len)
    }

    pub fn is_file(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }

    pub fn is_program(&self, path: &str) -> bool {
        self.programs.contains(path)
    }

    /// Says whether a file may be run.
    pub fn set_program(&mut self, path: &str, may: bool) {
        if may && self.is_file(path) {
            self.programs.insert(path.to_owned());
        } else {
            self.programs.remove(path);
        }
    }

    /// Its text; the error is the end of the message, as `strerror` has it.
    pub fn open(&self, path: &str) -> Result<&str, &'static str> {
        let why = if self.is_dir(path) { IS_DIRECTORY } else { NO_FILE };
        self.read(path).ok_or(why)
    }

    pub fn read(&self, path: &str) -> Option<&str> {
        let text = self.files.get(path)?;
        self.moved.set(self.moved.get().saturating_add(text.len()));
        Some(text)
    }

    /// Bytes read and written since the last call.
    pub fn moved(&self) -> usize {
        self.moved.take()
    }

    /// Writes or appends; the error is the end of the message, as `strerror` has it.
    pub fn write(&mut self, path: &str, text: &str, append: bool) -> Result<(), &'static str> {
        if self.is_dir(path) {
            return Err(IS_DIRECTORY);
        }
        let parent = path.rsplit_once('/').map_or("/", |(parent, _)| if parent.is_empty() { "/" } else { parent });
        if !self.is_dir(parent) {
            return Err(NO_FILE);
        }
        if !self.files.contains_key(path) && self.files.len() + self.directories.len() >= ENTRIES {
            return Err("No space left on device");
        }
        self.moved.set(self.moved.get().saturating_add(text.len()));
        let slot = self.files.entry(path.to_owned()).or_default();
        if !append {
            self.bytes -= slot.len();
            *slot = String::new();
        }
        if slot.len() + text.len() > FILE_BYTES || self.bytes + text.len() > BYTES {
            return Err("No space left on device");
        }
        slot.push_str(text);
        self.bytes += text.len();
        Ok(())
    }

    pub fn make_dir(&mut self, path: &str, parents: bool) -> Result<(), &'static str> {
        if self.files.contains_key(path) || (self.is_dir(path) && !parents) {
            return Err("File exists");
        }
        if self.files.len() + self.directories.len() >= ENTRIES {
            return Err("No space left on device");
        }
        let parent = path.rsplit_once('/').map_or("/", |(parent, _)| if parent.is_empty() { "/" } else { parent });
        if !self.is_dir(parent) {
            if !parents {
                return Err(NO_FILE);
            }
            if path.matches('/').count() > 32 {
                return Err("File name too long");
            }
            self.make_dir(parent, true)?;
        }
        self.directories.insert(path.to_owned());
        Ok(())
    }

    pub fn remove(&mut self, path: &str, recursive: bool) -> Result<(), &'static str> {
        if let Some(text) = self.files.remove(path) {
            self.bytes -= text.len();
            self.programs.remove(path);
            return Ok(());
        }
        if !self.is_dir(path) {
            return Err(NO_FILE);
        }
        if !recursive {
            return Err(IS_DIRECTORY);
        }
        let below = format!("{}/", path.trim_end_matches('/'));
        self.files.retain(|name, _| !name.starts_with(&below));
        self.programs.retain(|name| !name.starts_with(&below));
        self.bytes = self.files.values().map(String::len).sum();
        self.directories.retain(|name| name == "/" || (name != path && !name.starts_with(&below)));
        Ok(())
    }

    /// The names directly in a directory, in order.
    pub fn list(&self, directory: &str) -> Vec<String> {
        let below = format!("{}/", directory.trim_end_matches('/'));
        let name = |path: &String| {
            let rest = path.strip_prefix(&below)?;
            (!rest.is_empty() && !rest.contains('/')).then(|| rest.to_owned())
        };
        let mut names: Vec<String> = self.files.keys().filter_map(name).collect();
        names.extend(self.directories.iter().filter_map(name));
        names.order();
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behaves_like_a_small_file_system() {
        let mut f = Files::new("/home/you");
        assert_eq!(Files::absolute("/home/you", "../a/./b"), "/home/a/b");
        assert_eq!(f.write("/home/you/x/a", "1", false), Err("No such file or directory"));
        assert_eq!(f.make_dir("/home/you/x/y", true), Ok(()));
        assert_eq!(f.write("/home/you/x/a", "1\n", false), Ok(()));
        assert_eq!(f.write("/home/you/x/a", "2\n", true), Ok(()));
        assert_eq!(f.read("/home/you/x/a"), Some("1\n2\n"));
        assert_eq!(f.list("/home/you/x"), ["a", "y"]);
        assert_eq!(f.remove("/home/you/x", false), Err("Is a directory"));
        assert_eq!(f.remove("/home/you/x", true), Ok(()));
        assert_eq!(f.list("/home/you"), Vec::<String>::new());
        assert_eq!((f.bytes, f.moved(), f.moved()), (0, 8, 0));
    }

    #[test]
    fn is_bounded() {
        let mut f = Files::new("/home/you");
        let big = "x".repeat(FILE_BYTES);
        for i in 0..8 {
            assert_eq!(f.write(&format!("/tmp/{i}"), &big, false), Ok(()));
            assert_eq!(f.write(&format!("/tmp/{i}"), "x", true), Err("No space left on device"));
        }
        assert_eq!(f.write("/tmp/9", "x", false), Err("No space left on device"));
        assert_eq!(f.write("/tmp/1", "x", false), Ok(()));
        assert_eq!(f.write("/tmp/9", "x", false), Ok(()));
        assert_eq!(f.remove("/tmp", true), Ok(()));
        assert_eq!(f.bytes, 0);
    }
}
