//! The terminal: what is drawn on it, what is typed, and that it is as it was afterwards.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, poll, read};
use crossterm::terminal::{Clear, ClearType, EnterAlternateScreen, LeaveAlternateScreen};
use crossterm::{cursor, queue, terminal};
use engine::Snapshot;
use std::io::{Result, Write, stdout};
use std::time::Duration;

/// A terminal that does not say how large it is.
const SIZE: (usize, usize) = (80, 24);

/// What somebody at the keyboard wants.
pub enum Wish {
    Leave,
    Back,
    On,
    /// The size has changed.
    Redraw,
}

/// The screen as long as this lives.
pub struct Screen {
    shown: Vec<String>,
}

impl Screen {
    pub fn enter() -> Result<Screen> {
        terminal::enable_raw_mode()?;
        // From here on there is something to put back.
        let screen = Screen { shown: Vec::new() };
        let mut out = stdout();
        queue!(out, EnterAlternateScreen, cursor::Hide)?;
        out.flush()?;
        Ok(screen)
    }

    /// Columns and rows.
    pub fn size(&self) -> Result<(usize, usize)> {
        let (columns, rows) = terminal::size()?;
        Ok(if columns == 0 || rows == 0 { SIZE } else { (columns.into(), rows.into()) })
    }

    /// What was wished since the last call, one after the other; `None` when that was all. Does not wait.
    pub fn wish(&self) -> Result<Option<Wish>> {
        while poll(Duration::ZERO)? {
            match read()? {
                Event::Key(key) if key.kind != KeyEventKind::Release => {
                    if let Some(wish) = meant(key) {
                        return Ok(Some(wish));
                    }
                }
                Event::Resize(..) => return Ok(Some(Wish::Redraw)),
                _ => {}
            }
        }
        Ok(None)
    }

    /// The terminal may have lost what was drawn.
    pub fn forget(&mut self) {
        self.shown.clear();
    }

    pub fn draw(&mut self, frame: &Frame) -> Result<()> {
        if frame.lines == self.shown {
            return Ok(());
        }
        let mut out = stdout().lock();
        if self.shown.is_empty() {
            // What a terminal of another size has made of the last picture may be anywhere.
            queue!(out, Clear(ClearType::All))?;
        }
        for (row, line) in (0u16..).zip(&frame.lines) {
            queue!(out, cursor::MoveTo(0, row))?;
            out.write_all(line.as_bytes())?;
            queue!(out, Clear(ClearType::UntilNewLine))?;
        }
        let below = u16::try_from(frame.lines.len()).unwrap_or(u16::MAX);
        if frame.lines.len() < frame.rows {
            queue!(out, cursor::MoveTo(0, below), Clear(ClearType::FromCursorDown))?;
        }
        out.flush()?;
        self.shown.clone_from(&frame.lines);
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let mut out = stdout();
        // A terminal that is gone needs nothing put back.
        let _ = queue!(out, LeaveAlternateScreen, cursor::Show);
        let _ = out.flush();
        let _ = terminal::disable_raw_mode();
    }
}

/// The keys of eks-node-viewer. Ctrl+C comes as a key, because nothing else reads the terminal.
fn meant(key: KeyEvent) -> Option<Wish> {
    match key.code {
        KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => Some(Wish::Leave),
        KeyCode::Char('q') | KeyCode::Esc => Some(Wish::Leave),
        KeyCode::Left | KeyCode::Char('h') => Some(Wish::Back),
        KeyCode::Right | KeyCode::Char('l') => Some(Wish::On),
        _ => None,
    }
}

/// What fits on the screen: the viewer's page, and below it the notes.
pub struct Frame {
    pub lines: Vec<String>,
    pub pages: usize,
    rows: usize,
}

impl Frame {
    pub fn of(snapshot: &Snapshot, notes: &[String], page: usize, columns: usize, rows: usize) -> Frame {
        // Notes get a third of the screen; of what is left over, how much it is.
        let room = (rows / 3).max(1);
        let told = if notes.len() > room { room - 1 } else { notes.len() };
        let mut below: Vec<String> =
            notes.iter().take(told).map(|n| format!("note: {}", n.replace(['\n', '\r', '\t'], " "))).collect();
        if told < notes.len() {
            below.push(format!("{} more notes, which --once prints", notes.len() - told));
        }
        let (picture, pages) = shell::node_viewer_page(snapshot, page, rows.saturating_sub(below.len()));
        let mut lines: Vec<String> = picture.lines().map(str::to_owned).collect();
        lines.truncate(rows.saturating_sub(below.len()));
        lines.append(&mut below);
        lines.iter_mut().for_each(|line| *line = fit(line, columns));
        Frame { lines, pages, rows }
    }
}

/// The part of a line that fits; colours take no room, and other control characters would leave the line.
fn fit(line: &str, columns: usize) -> String {
    let mut out = String::new();
    let mut left = columns;
    let mut is_colour = false;
    for c in line.chars() {
        match c {
            '\u{1b}' => is_colour = true,
            _ if is_colour => is_colour = !c.is_ascii_alphabetic(),
            _ if c.is_control() => continue,
            _ if left == 0 => continue,
            _ => left -= 1,
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_as_wide_as_the_screen() {
        let check = |line: &str, columns: usize, want: &str| assert_eq!(fit(line, columns), want);
        check("m5.xlarge ██░░", 12, "m5.xlarge ██");
        check("m5.xlarge", 9, "m5.xlarge");
        check("•\u{1b}[90m••\u{1b}[39m", 2, "•\u{1b}[90m•\u{1b}[39m");
        check("a\rb\u{7}", 9, "ab");
    }

    #[test]
    fn notes_leave_room_for_nodes() {
        let session = engine::Session::new(engine::Scenario::lab(engine::Era::V1, 1)).unwrap();
        let notes: Vec<String> = (0..30).map(|i| format!("note {i}\nmore")).collect();
        let frame = Frame::of(&session.snapshot(), &notes, 0, 80, 24);
        let (picture, below) = frame.lines.split_at(frame.lines.len() - 8);
        assert!(picture[0].contains(" nodes ") && picture.len() <= 16, "{picture:#?}");
        assert_eq!((below[0].as_str(), below[7].as_str()), ("note: note 0 more", "23 more notes, which --once prints"));
        let small = Frame::of(&session.snapshot(), &notes, 9, 20, 2);
        assert_eq!(small.lines.len(), 2);
    }
}
