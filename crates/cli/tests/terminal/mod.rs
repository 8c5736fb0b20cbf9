//! A terminal in which the program runs: a pseudo-terminal, and what its screen shows.

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How often the screen is looked at, and how long at most.
const LOOK: Duration = Duration::from_millis(50);
const LOOKS: usize = 1_200;

pub struct Terminal {
    keyboard: File,
    screen: Arc<Mutex<vt100::Parser>>,
    child: Child,
}

impl Terminal {
    /// Starts `nodewright` with these arguments in a session of its own, on a terminal of this size.
    pub fn run(args: &[&str], columns: u16, rows: u16) -> Terminal {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let master = File::from(master);
        resize(&master, columns, rows);
        let slave = OpenOptions::new().read(true).write(true).open(name).unwrap();
        let end = || Stdio::from(slave.try_clone().unwrap());
        let mut command = Command::new("setsid");
        command.args(["--ctty", env!("CARGO_BIN_EXE_nodewright")]).args(args).stdin(end()).stdout(end()).stderr(end());
        let child = command.spawn().unwrap();
        let screen = Arc::new(Mutex::new(vt100::Parser::new(rows, columns, 0)));
        let (shared, mut output) = (Arc::clone(&screen), master.try_clone().unwrap());
        std::thread::spawn(move || {
            let mut part = [0; 4096];
            // Reading fails when the program and its end of the terminal are gone.
            while let Ok(n) = output.read(&mut part)
                && n > 0
            {
                shared.lock().unwrap().process(part.get(..n).unwrap_or_default());
            }
        });
        Terminal { keyboard: master, screen, child }
    }

    pub fn text(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    /// Waits until the screen is so, and gives it.
    pub fn until(&mut self, what: &str, is: impl Fn(&str) -> bool) -> String {
        for _ in 0..LOOKS {
            let text = self.text();
            if is(&text) {
                return text;
            }
            assert_eq!(self.child.try_wait().unwrap(), None, "it has ended before it showed {what}: {text}");
            std::thread::sleep(LOOK);
        }
        panic!("it does not show {what}: {}", self.text());
    }

    pub fn write(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    pub fn resize(&mut self, columns: u16, rows: u16) {
        self.screen.lock().unwrap().screen_mut().set_size(rows, columns);
        resize(&self.keyboard, columns, rows);
    }

    /// Waits for the end, and until all that was printed has been read.
    pub fn end(&mut self) -> Option<i32> {
        for _ in 0..LOOKS {
            if let Some(status) = self.child.try_wait().unwrap() {
                std::thread::sleep(LOOK * 4);
                return status.code();
            }
            std::thread::sleep(LOOK);
        }
        panic!("it does not end: {}", self.text());
    }

    /// Whether keys come as they are typed.
    pub fn is_raw(&self) -> bool {
        !tcgetattr(&self.keyboard).unwrap().local_modes.contains(LocalModes::ICANON)
    }

    /// Whether the screen is the one that was there before, with its cursor.
    pub fn is_put_back(&self) -> bool {
        let parser = self.screen.lock().unwrap();
        !parser.screen().alternate_screen() && !parser.screen().hide_cursor()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn resize(terminal: &File, columns: u16, rows: u16) {
    tcsetwinsize(terminal, Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
}
