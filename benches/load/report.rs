//! The table: goal, measured, verdict.

use std::thread;

/// One line of the table.
pub struct Line {
    pub what: String,
    pub goal: &'static str,
    pub measured: String,
    pub is_met: bool,
}

impl Line {
    const fn verdict(&self) -> &'static str {
        match (self.goal.is_empty(), self.is_met) {
            (true, _) => "–",
            (false, true) => "met",
            (false, false) => "**not met**",
        }
    }
}

/// What was measured, and what must be said with it.
#[derive(Default)]
pub struct Report {
    lines: Vec<Line>,
    caveats: Vec<String>,
}

impl Report {
    pub fn line(&mut self, line: Line) {
        let verdict = line.verdict();
        println!("-> {}: {}; goal {}: {verdict}\n", line.what, line.measured, line.goal);
        self.lines.push(line);
    }

    pub fn caveat(&mut self, text: String) {
        self.caveats.push(text);
    }

    pub fn print(&self) {
        let cores = thread::available_parallelism().map_or(0, usize::from);
        println!("| what | goal | measured on {cores} cores | verdict |\n|---|---|---|---|");
        for line @ Line { what, goal, measured, .. } in &self.lines {
            let verdict = line.verdict();
            println!("| {what} | {goal} | {measured} | {verdict} |");
        }
        println!();
        for caveat in &self.caveats {
            println!("- {caveat}");
        }
    }
}
