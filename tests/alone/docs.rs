//! README.md and docs/: every command that they show is run, and prints what they say it prints.
//!
//! A block that begins with `$ ` is a session in a shell, in a cluster that holds what `make demo` leaves. `...` stands
//! for any lines. docs/install.md begins with a cluster that has nothing installed. What is different each time (ages, times,
//! MAC addresses) is masked. VNET_BLESS=1 writes what is printed into the pages instead; VNET_PAGE=install.md runs one page
//! only.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use regex::{Captures, Regex};

use crate::support::cluster::{Cluster, alone, poll, project};
use crate::support::{examples, helm};

/// A page, cut into text that is kept and commands with what they print.
struct Page {
    path: PathBuf,
    parts: Vec<Part>,
}

enum Part {
    Text(String),
    Command { line: usize, text: String, prints: Vec<String> },
}

impl Page {
    fn read(path: PathBuf) -> Self {
        let text = fs::read_to_string(&path).expect("it is there");
        let (mut parts, mut in_block, mut in_session) = (Vec::new(), false, false);
        let mut lines = text.lines().enumerate().peekable();
        while let Some((n, line)) = lines.next() {
            if line.starts_with("```") {
                (in_block, in_session) = (!in_block, false);
            } else if in_block && line.starts_with("$ ") {
                in_session = true;
                let mut command = line.to_owned();
                while command.ends_with('\\') || !command.matches('\'').count().is_multiple_of(2) {
                    command = command + "\n" + lines.next().expect("the command ends").1;
                }
                let mut prints = Vec::new();
                while let Some((_, printed)) = lines.next_if(|(_, next)| !next.starts_with("$ ") && *next != "```") {
                    prints.push(printed.to_owned());
                }
                parts.push(Part::Command { line: n + 1, text: command, prints });
                continue;
            }
            assert!(
                !in_session || line.starts_with("```"),
                "{}:{}: a session has commands only",
                path.display(),
                n + 1
            );
            parts.push(Part::Text(line.to_owned()));
        }
        Self { path, parts }
    }

    fn text(&self) -> String {
        let lines = self.parts.iter().flat_map(|part| match part {
            Part::Text(line) => vec![line.clone()],
            Part::Command { text, prints, .. } => [text.clone()].into_iter().chain(prints.iter().cloned()).collect(),
        });
        lines.map(|line| line + "\n").collect()
    }

    /// Runs every command in order; says what comes out otherwise.
    fn run(&mut self, shell: &Shell<'_>, bless: bool) -> Vec<String> {
        let mut wrong = Vec::new();
        for part in &mut self.parts {
            let Part::Command { line, text, prints } = part else { continue };
            let command = text.trim_start_matches("$ ");
            let printed = match bless {
                true => shell.at_rest(command),
                false => shell.until(command, |printed| matches(prints, printed)),
            };
            if matches(prints, &printed) {
                continue;
            }
            if bless {
                *prints = printed;
            } else {
                let (path, said, printed) = (self.path.display(), prints.join("\n"), printed.join("\n"));
                wrong.push(format!("{path}:{line}: {text}\n--- it says\n{said}\n--- and it prints\n{printed}\n"));
            }
        }
        wrong
    }
}

struct Shell<'a> {
    cluster: &'a Cluster,
}

impl Shell<'_> {
    /// What a command prints, once the API server serves what it is about: for a moment after a definition is installed it
    /// does not, and says so.
    fn print(&self, command: &str) -> Vec<String> {
        let served = poll("the API server serves what is installed", || {
            let printed = self.print_once(command);
            let is_early = printed.iter().any(|line| line.contains("There can be a delay"));
            (!is_early).then_some(printed)
        });
        served.expect("it does after a moment")
    }

    /// What a command prints, on both of its outputs.
    fn print_once(&self, command: &str) -> Vec<String> {
        let folder = |program: PathBuf| program.parent().expect("it is in a folder").display().to_string();
        let vnet = folder(PathBuf::from(env!("CARGO_BIN_EXE_vnet")));
        let path = [self.cluster.assets().display().to_string(), vnet, folder(helm::program())].join(":");
        let mut shell = Command::new("bash");
        shell.args(["-c", &format!("exec 2>&1; {command}")]).current_dir(project());
        shell.env("PATH", format!("{path}:{}", std::env::var("PATH").unwrap_or_default()));
        shell.env("KUBECONFIG", self.cluster.kubeconfig());
        shell.env("KUBECACHEDIR", self.cluster.folder().join("kubectl-cache"));
        let output = shell.output().expect("bash runs");
        let text = String::from_utf8(output.stdout).expect("it prints UTF-8");
        text.lines().map(|line| line.trim_end().to_owned()).collect()
    }

    /// Runs a command, again if it only reads, until it prints what is wanted or the time is over.
    fn until(&self, command: &str, wanted: impl Fn(&[String]) -> bool) -> Vec<String> {
        let mut last = self.print(command);
        if reads(command) && !wanted(&last) {
            let _ = poll("it prints what the page says", || {
                last = self.print(command);
                wanted(&last).then_some(())
            });
        }
        last
    }

    /// What a command prints; one that only reads, once that changes no more.
    fn at_rest(&self, command: &str) -> Vec<String> {
        let mut last = self.print(command);
        if !reads(command) {
            return last;
        }
        let same = poll("it prints the same twice", || {
            let before = std::mem::replace(&mut last, self.print(command));
            (masked(&before) == masked(&last)).then_some(())
        });
        same.expect("it comes to rest");
        last
    }
}

fn reads(command: &str) -> bool {
    ["kubectl get", "kubectl describe", "kubectl wait", "vnet plan", "vnet rules"]
        .iter()
        .any(|read| command.starts_with(read))
}

/// Lines without what differs each time, and without the widths of columns.
fn masked(lines: &[String]) -> Vec<String> {
    let masks = [
        (r"\b(00-0D-3A|00-22-48)(-[0-9A-F]{2}){3}\b", "MAC"),
        (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\b", "TIME"),
        (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "UID"),
        (r"\b(\d+d)?(\d+h)?(\d+m)?\d+[smhd]\b", "AGE"),
        (r"(resourceVersion|Resource Version): *\S+", "$1: N"),
        (r"\((commit|development)[^)]*\)", "(BUILD)"),
        (r"\s+", " "),
    ];
    let masks = masks.map(|(pattern, mask)| (Regex::new(pattern).expect("it is a pattern"), mask));
    let mask = |line: &String| {
        masks.iter().fold(line.clone(), |line, (pattern, mask)| pattern.replace_all(&line, *mask).trim().to_owned())
    };
    lines.iter().map(mask).filter(|line| !line.is_empty()).collect()
}

/// Whether the lines are those; a line `...` stands for any.
fn matches(said: &[String], printed: &[String]) -> bool {
    fn rest(said: &[String], printed: &[String]) -> bool {
        match (said.split_first(), printed.split_first()) {
            (None, None) => true,
            (Some((first, others)), _) if first == "..." => {
                (0..=printed.len()).any(|skipped| rest(others, &printed[skipped..]))
            }
            (Some((first, others)), Some((line, lines))) => first == line && rest(others, lines),
            (Some(_), None) | (None, Some(_)) => false,
        }
    }
    rest(&masked(said), &masked(printed))
}

fn pages() -> Vec<PathBuf> {
    let docs = fs::read_dir(project().join("docs")).expect("it is there").flatten().map(|entry| entry.path());
    let mut pages: Vec<PathBuf> = docs.filter(|path| !path.ends_with("rules.md")).collect();
    pages.push(project().join("README.md"));
    pages.sort();
    pages
}

#[test]
fn every_command_of_the_readme_and_of_the_docs_prints_what_they_say() {
    let cluster = alone();
    let bless = std::env::var_os("VNET_BLESS").is_some();
    let mut wrong = Vec::new();
    let only = std::env::var("VNET_PAGE").unwrap_or_default();
    for path in pages().into_iter().filter(|path| only.is_empty() || path.ends_with(&only)) {
        let mut page = Page::read(path);
        if page.parts.iter().all(|part| matches!(part, Part::Text(_))) {
            continue;
        }
        if page.path.ends_with("install.md") {
            let bare = helm::bare();
            helm::empty(&bare);
            wrong.extend(page.run(&Shell { cluster: &bare }, bless));
        } else {
            match page.path.ends_with("README.md") {
                true => examples::demo(&cluster),
                false => examples::alone_in(&cluster), // the README says to take the mistake away
            }
            wrong.extend(page.run(&Shell { cluster: &cluster }, bless));
        }
        if bless {
            fs::write(&page.path, page.text()).expect("it can be written");
        }
    }
    examples::clear(&cluster);
    assert!(wrong.is_empty(), "VNET_BLESS=1 writes what is printed:\n\n{}", wrong.join("\n"));
}

/// The anchors that GitHub gives the headings of a page.
fn anchors(page: &str) -> Vec<String> {
    let headings = page.lines().filter(|line| line.starts_with('#'));
    let anchor = |heading: &str| {
        let kept = |c: &char| c.is_alphanumeric() || [' ', '-', '_'].contains(c);
        let words = heading.trim_start_matches('#').trim().to_lowercase();
        words.chars().filter(kept).map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    headings.map(anchor).collect()
}

/// Links between pages and to their headings, and into folders of the project.
#[test]
fn every_link_of_the_readme_and_of_the_docs_leads_somewhere() {
    let link = Regex::new(r"\]\(([^)#:]*)(?:#([^)]*))?\)").expect("it is a pattern");
    let mut dead = BTreeMap::new();
    for page in pages() {
        let text = fs::read_to_string(&page).expect("it is there");
        let folder = page.parent().expect("it is in a folder");
        let leads_nowhere = |link: &Captures<'_>| {
            let path = if link[1].is_empty() { page.clone() } else { folder.join(&link[1]) };
            let anchor = link.get(2).map(|anchor| anchor.as_str().to_owned());
            let has = |anchor| fs::read_to_string(&path).is_ok_and(|text| anchors(&text).contains(&anchor));
            !path.exists() || !anchor.is_none_or(has)
        };
        let links = link.captures_iter(&text).filter(leads_nowhere).map(|link| link[0].to_owned());
        dead.insert(page.clone(), links.collect::<Vec<_>>());
    }
    dead.retain(|_, links| !links.is_empty());
    assert!(dead.is_empty(), "{dead:#?}");
}

#[test]
fn a_heading_has_the_anchor_that_github_gives_it() {
    assert_eq!(anchors("# `vnet plan`\ntext\n## Edits, of a 2nd kind\n"), ["vnet-plan", "edits-of-a-2nd-kind"]);
}

#[test]
fn three_dots_stand_for_any_lines() {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    assert!(matches(&lines("a\n...\nc"), &lines("a\nb\nb\nc")));
    assert!(matches(&lines("NAME  AGE\nx     3m2s"), &lines("NAME AGE\nx 5s")));
    assert!(!matches(&lines("a\nc"), &lines("a\nb\nc")));
    assert!(!matches(&lines("10.0.1.4"), &lines("10.0.1.5")));
}
