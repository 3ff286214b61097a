//! The plan of the house, held by a test: which room may name which, what the domain may not know, how files open.
//!
//! It reads the tokens of every file under src: macros are seen, strings and comments are not. A change to the plan
//! is a change to a table below and to docs/architecture.md.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path as FilePath, PathBuf};
use std::{fmt, fs};

use proc_macro2::{Delimiter, Group, Literal, TokenStream, TokenTree};

/// A layer of src, what it may name besides itself, and how to mend a breach.
struct Layer(&'static str, &'static [&'static str], &'static str);

/// The layers from the ground up. `main.rs` and `lib.rs` stand outside and may name all.
const LAYERS: &[Layer] = &[
    Layer("domain", &[], "the domain stands alone, so hand the value in as a parameter"),
    Layer("store", &["domain"], "let the layer above hand it in, through a trait of the store"),
    Layer("projections", &["domain", "store"], HAND_IN),
    Layer("auth", &["domain", "store", "projections"], HAND_IN),
    Layer("app", &["domain", "store", "projections", "auth"], HAND_IN),
    Layer("exports", &["domain", "store", "projections", "auth", "app"], HAND_IN),
    Layer(
        "graphql",
        &["domain", "projections", "auth", "app", "exports"],
        "ask the app, which has the store",
    ),
    Layer("web", &["graphql", "auth"], "a page reaches data only by running its GraphQL document"),
    Layer("cli", &["domain", "store", "projections", "auth", "app", "exports", "graphql", "web"], HAND_IN),
];
const HAND_IN: &str = "let the layer above hand it in, or move what both need down to where both can name it";

/// Layers whose areas know each other only through the layer's `mod.rs`.
const SEPARATE_AREAS: &[&str] = &["projections", "graphql", "exports"];

/// Domain files that every domain file may name, and which name only each other.
const VOCABULARY: &[&str] = &[
    "calendar",
    "catalogue",
    "disclosure",
    "evidence",
    "identity",
    "money",
    "outcome",
    "places",
    "text",
    "vocabulary",
];

/// Domain files above the aggregates, which may name them. Every domain file in neither list is an aggregate: it
/// names the vocabulary and itself.
const ABOVE_AGGREGATES: &[&str] = &["laws", "postings", "receipt", "record", "what_if"];

/// The layers where SQL is written.
const SQL: &[&str] = &["store", "projections", "auth"];

/// What the domain may not name, because it is pure. A path that ends in `now` is refused there too.
const NOT_IN_DOMAIN: &str = "async_graphql async_graphql_axum async_trait axum chrono::Local chrono::Utc::now \
    cqrs_es futures_util postgres_es rand reqwest sqlx std::env std::fs std::net std::process std::thread \
    std::time::Instant std::time::SystemTime tokio tower_http uuid::Uuid::new_v4 uuid::Uuid::now_v7";

/// The line count at which a file has become two.
const MOST_LINES: usize = 600;

/// Words that can stand before a path that begins with `::`.
const KEYWORDS: &str = "as await const dyn else enum extern fn for if impl in let loop match move mut pub ref \
    return static struct trait type unsafe where while";

/// A path: `crate`, `self` or `super` first as written, "" first for a leading `::`.
type Path = Vec<String>;

/// One place where the plan is broken.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Breach {
    file: String,
    line: usize,
    says: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.says)
    }
}

/// A path found in the tokens, and the name it is given if renamed.
struct Mention {
    line: usize,
    path: Path,
    star: bool,
    renamed: Option<String>,
}

/// What one module of a file binds: child modules, names brought by `use`, modules brought by star.
#[derive(Default)]
struct Scope {
    children: BTreeSet<String>,
    names: BTreeMap<String, Path>,
    stars: Vec<Path>,
}

/// One file being read.
struct Reading<'house> {
    file: &'house str,
    home: &'house Path,
    modules: &'house BTreeSet<Path>,
    in_attribute: bool,
    scopes: BTreeMap<Path, Scope>,
    mentions: Vec<(Path, Mention)>,
    breaches: Vec<Breach>,
}

/// Every breach in a set of files, each a path from the crate's folder and a text.
fn breaches(house: &[(String, String)]) -> Vec<Breach> {
    let modules: BTreeSet<Path> = house.iter().map(|(file, _)| module_of(file)).collect();
    let mut found = BTreeSet::new();
    for (file, text) in house {
        let home = &module_of(file);
        let (in_attribute, scopes) = (false, BTreeMap::new());
        let (mentions, breaches) = (Vec::new(), Vec::new());
        let mut reading = Reading { file, home, modules: &modules, in_attribute, scopes, mentions, breaches };
        reading.read_file(text);
        found.extend(reading.breaches);
    }
    found.into_iter().collect()
}

/// `src/domain/fund.rs` is `domain::fund`; `mod.rs`, `lib.rs` and `main.rs` are the folder they stand in.
fn module_of(file: &str) -> Path {
    let inside = file.trim_start_matches("src/").trim_end_matches(".rs");
    inside.split('/').filter(|part| !matches!(*part, "mod" | "lib" | "main")).map(str::to_owned).collect()
}

impl Reading<'_> {
    fn layer(&self) -> &str {
        self.home.first().map_or("", String::as_str)
    }

    fn breach(&mut self, line: usize, says: impl Into<String>) {
        self.breaches.push(Breach { file: self.file.to_owned(), line, says: says.into() });
    }

    fn read_file(&mut self, text: &str) {
        if !text.starts_with("//!") {
            self.breach(1, "open the file with a `//!` sentence that says what room it is.");
        }
        if text.lines().count() > MOST_LINES {
            self.breach(MOST_LINES + 1, format!("over {MOST_LINES} lines: part the two ideas in it."));
        }
        for (line, text) in (1..).zip(text.lines()) {
            if text.contains("TODO") || text.contains("FIXME") {
                self.breach(line, "a note of work not done: do it, or write an issue and take the note out.");
            }
        }
        let layer = self.layer();
        if !layer.is_empty() && LAYERS.iter().all(|known| known.0 != layer) {
            let says = format!("src/{layer} is not on the plan: move it into a layer, or add one to LAYERS.");
            return self.breach(1, says);
        }
        match text.parse::<TokenStream>() {
            Ok(tokens) => self.read(tokens, self.home),
            Err(problem) => self.breach(problem.span().start().line, "this cannot be read as Rust."),
        }
        for (module, mention) in std::mem::take(&mut self.mentions) {
            let path = self.resolve(&module, &mention.path, 8);
            let says = match path.split_first() {
                Some((first, ours)) if first == "crate" => self.judge_ours(ours, mention.star),
                _ => self.judge_theirs(&path, mention.star),
            };
            if let Some(says) = says {
                self.breach(mention.line, says);
            }
        }
    }

    /// Walk the tokens of a module: note what is named and bound, and refuse what no file may hold.
    fn read(&mut self, tokens: TokenStream, module: &Path) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            at = self.step(&tokens, at, module);
        }
    }

    /// Take in what begins at `at`; answers where the next thing begins.
    fn step(&mut self, tokens: &[TokenTree], at: usize, module: &Path) -> usize {
        match &tokens[at] {
            TokenTree::Group(group) => self.read(group.stream(), module),
            TokenTree::Literal(literal) => self.literal(tokens, at, literal, module),
            TokenTree::Punct(_) if is(tokens, at, '#') => {
                let at = at + 1 + usize::from(is(tokens, at + 1, '!'));
                if let Some(TokenTree::Group(group)) = tokens.get(at) {
                    self.attribute(group, module);
                }
                return at + 1;
            }
            TokenTree::Punct(_) if is_colons(tokens, at) => {
                let after_generics = at > 0 && is(tokens, at - 1, '>');
                return if after_generics { at + 2 } else { self.path(tokens, at, module, false) };
            }
            TokenTree::Punct(_) => {}
            TokenTree::Ident(ident) => return self.word(tokens, at, &ident.to_string(), module),
        }
        at + 1
    }

    /// A word: the beginning of a path, a module, a `use`, or something no file may hold.
    fn word(&mut self, tokens: &[TokenTree], at: usize, word: &str, module: &Path) -> usize {
        self.refuse_word(tokens, at, word);
        match (word, tokens.get(at + 1), tokens.get(at + 2)) {
            ("mod", Some(TokenTree::Ident(name)), body) => {
                let inside = [module.as_slice(), &[name.to_string()]].concat();
                self.scopes.entry(module.clone()).or_default().children.insert(name.to_string());
                let Some(TokenTree::Group(group)) = body else { return at + 2 };
                self.scopes.entry(inside.clone()).or_default();
                self.read(group.stream(), &inside);
                at + 3
            }
            ("extern", Some(TokenTree::Ident(it)), _) if it == "crate" => {
                self.path(tokens, at + 2, module, true)
            }
            ("use", ..) => self.path(tokens, at + 1, module, true),
            _ if KEYWORDS.split(' ').any(|keyword| keyword == word) => at + 1,
            _ => self.path(tokens, at, module, false).max(at + 1),
        }
    }

    fn refuse_word(&mut self, tokens: &[TokenTree], at: usize, word: &str) {
        let line = tokens[at].span().start().line;
        let called = matches!(tokens.get(at + 1), Some(TokenTree::Group(_)));
        let domain = self.layer() == "domain";
        if domain && matches!(word, "async" | "await") {
            self.breach(line, format!("the domain holds no `{word}`: decide here, and do it in the store."));
        }
        if domain && word.split('_').any(|part| matches!(part, "f32" | "f64")) {
            self.breach(line, format!("the domain holds no `{word}`: money is decimal, counts are whole."));
        }
        if matches!(word, "todo" | "unimplemented" | "dbg") && is(tokens, at + 1, '!') {
            self.breach(line, format!("`{word}!` is work not done: finish it or leave it out."));
        }
        if self.in_attribute && word == "allow" && called {
            self.breach(line, "`#[allow]` goes stale unseen: write `#[expect(lint, reason = \"...\")]`.");
        }
        let reasoned = || tokens[at + 1].to_string().contains("reason =");
        if self.in_attribute && word == "expect" && called && !reasoned() {
            self.breach(line, "say why the lint is expected: `#[expect(lint, reason = \"...\")]`.");
        }
    }

    /// A path, or a tree of them, from `at`. In a `use` it binds names; elsewhere one word alone says nothing.
    fn path(&mut self, tokens: &[TokenTree], at: usize, module: &Path, in_use: bool) -> usize {
        let mut found = Vec::new();
        let next = tree(tokens, at, &[], &mut found);
        for mention in found.into_iter().filter(|mention| in_use || mention.path.len() > 1) {
            if in_use {
                let scope = self.scopes.entry(module.clone()).or_default();
                let name = mention.renamed.as_ref().or(mention.path.last());
                match name.filter(|_| !mention.star) {
                    Some(name) => drop(scope.names.insert(name.clone(), mention.path.clone())),
                    None => scope.stars.push(mention.path.clone()),
                }
            }
            self.mentions.push((module.clone(), mention));
        }
        next
    }

    /// A number, which in the domain is no float; or a path in an attribute's string, as serde's `with` has it.
    fn literal(&mut self, tokens: &[TokenTree], at: usize, literal: &Literal, module: &Path) {
        let (text, line) = (literal.to_string(), literal.span().start().line);
        let field = at > 0 && is(tokens, at - 1, '.') && !(at > 1 && is(tokens, at - 2, '.'));
        if self.layer() == "domain" && !field && is_float(&text) {
            self.breach(line, format!("the domain holds no float such as `{text}`: money is decimal."));
        }
        let path: Path = text.trim_matches('"').split("::").map(str::to_owned).collect();
        let is_path = path.iter().all(|word| word.chars().all(|sign| sign.is_alphanumeric() || sign == '_'));
        if self.in_attribute && is_path && path.len() > 1 {
            self.mentions.push((module.clone(), Mention { line, path, star: false, renamed: None }));
        }
    }

    fn attribute(&mut self, attribute: &Group, module: &Path) {
        let head = attribute.stream().into_iter().next().map(|head| head.to_string()).unwrap_or_default();
        if head == "path" {
            let line = attribute.span().start().line;
            self.breach(line, "`#[path]` hides where a module lives: move the file instead.");
        }
        if head != "doc" {
            self.in_attribute = true;
            self.read(attribute.stream(), module);
            self.in_attribute = false;
        }
    }

    /// What a path in a module stands for, through this file's `use` lines: from `crate`, or from another crate.
    fn resolve(&self, module: &[String], path: &[String], steps: usize) -> Path {
        let climbs = path.iter().take_while(|word| matches!(word.as_str(), "self" | "super")).count();
        let up = path[..climbs].iter().filter(|word| *word == "super").count();
        let (base, rest) = (&module[..module.len().saturating_sub(up)], &path[climbs..]);
        let bound = |module, path| self.bound(module, path, steps);
        match path.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["crate", ..] => path.to_vec(),
            ["", "sidebyside", ..] => from_root(&[], &path[2..]),
            ["", ..] => path[1..].to_vec(),
            ["self" | "super", ..] => bound(base, rest).unwrap_or_else(|| from_root(base, rest)),
            ["sidebyside", ..] => bound(module, path).unwrap_or_else(|| from_root(&[], &path[1..])),
            _ => bound(module, path).unwrap_or_else(|| path.to_vec()),
        }
    }

    /// What a path stands for if a module of this file binds its first word.
    fn bound(&self, module: &[String], path: &[String], steps: usize) -> Option<Path> {
        let scope = self.scopes.get(module).filter(|_| steps > 0)?;
        let (first, rest) = path.split_first()?;
        if scope.children.contains(first) {
            return Some(from_root(module, path));
        }
        if let Some(meant) = scope.names.get(first) {
            let outside: &[String] = if meant[0] == *first { &[String::new()] } else { &[] };
            return Some(self.resolve(module, &[outside, meant, rest].concat(), steps - 1));
        }
        scope.stars.iter().find_map(|star| {
            let star = self.resolve(module, star, steps - 1);
            let base = star.strip_prefix(&["crate".to_owned()]).filter(|base| *base != module)?;
            let child = [base, &path[..1]].concat();
            let known = || self.modules.contains(&child).then(|| from_root(base, path));
            self.bound(base, path, steps - 1).or_else(known)
        })
    }

    /// Hold a path of this crate against the plan.
    fn judge_ours(&self, path: &[String], star: bool) -> Option<String> {
        let Layer(layer, may_name, mend) = LAYERS.iter().find(|layer| layer.0 == self.layer())?;
        let Some(to) = path.first() else {
            return star.then(|| "a star over the whole crate hides what it names: name modules.".to_owned());
        };
        if to == layer {
            let (area, other) = (self.home.get(1)?, path.get(1)?);
            let is_area = self.modules.iter().any(|module| module.starts_with(&path[..2]));
            return neighbours(layer, area, other).filter(|_| area != other && is_area);
        }
        let barred = LAYERS.iter().any(|layer| layer.0 == to) && !may_name.contains(&to.as_str());
        let may_name = if may_name.is_empty() { "no other layer".to_owned() } else { may_name.join(", ") };
        barred.then(|| format!("{layer} names {} and may name {may_name}: {mend}.", path.join("::")))
    }

    /// Hold a path of another crate against the plan.
    fn judge_theirs(&self, path: &[String], star: bool) -> Option<String> {
        let named = path.join("::");
        if self.layer() == "domain" {
            let under = |whole: &str, part: &str| format!("{whole}::").starts_with(&format!("{part}::"));
            let barred = |bar: &str| under(&named, bar) || (star && under(bar, &named));
            let clock = path.len() > 1 && named.ends_with("::now");
            let says = || format!("the domain is pure and names {named}: do it above and hand the value in.");
            return (clock || NOT_IN_DOMAIN.split(' ').any(barred)).then(says);
        }
        let sql = (named == "sqlx" || named.starts_with("sqlx::")) && !SQL.contains(&self.layer());
        sql.then(|| format!("{named} outside {}: put the SQL into a function there.", SQL.join(", ")))
    }
}

/// Why an area of a layer may not name another, if it may not.
fn neighbours(layer: &str, from: &str, to: &str) -> Option<String> {
    let known = |area| VOCABULARY.contains(&area);
    let above = |area| ABOVE_AGGREGATES.contains(&area);
    let mend = match layer {
        layer if SEPARATE_AREAS.contains(&layer) => "which is its neighbour: lift what both need into mod.rs",
        "domain" if known(to) || above(from) => return None,
        "domain" if known(from) => "but is vocabulary: rules know the words, words do not know the rules",
        "domain" if above(to) => "which stands above it: let that one match on the events of this one",
        "domain" => "but aggregates know each other by id only: move the word into the vocabulary",
        _ => return None,
    };
    Some(format!("{from} names {to}, {mend}."))
}

fn from_root(base: &[String], path: &[String]) -> Path {
    [&["crate".to_owned()], base, path].concat()
}

/// The paths of a `use` tree, or one path, from `at` and under `prefix`; answers where it ends.
fn tree(tokens: &[TokenTree], mut at: usize, prefix: &[String], found: &mut Vec<Mention>) -> usize {
    let mut path = prefix.to_vec();
    if is_colons(tokens, at) {
        path.extend(prefix.is_empty().then(String::new));
        at += 2;
    }
    loop {
        let star = is(tokens, at, '*');
        match tokens.get(at) {
            Some(TokenTree::Ident(word)) if *word == "self" && !path.is_empty() => {}
            Some(TokenTree::Ident(word)) => path.push(word.to_string().trim_start_matches("r#").to_owned()),
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                for branch in inner.split(|token| is(std::slice::from_ref(token), 0, ',')) {
                    tree(branch, 0, &path, found);
                }
                return at + 1;
            }
            _ if star && !path.is_empty() => {}
            _ => return at,
        }
        let line = tokens[at].span().start().line;
        at += 1;
        if is_colons(tokens, at) && goes_on(tokens, at + 2) {
            at += 2;
            continue;
        }
        let renamed = match (tokens.get(at), tokens.get(at + 1)) {
            (Some(TokenTree::Ident(it)), Some(TokenTree::Ident(name))) if it == "as" => {
                Some(name.to_string())
            }
            _ => None,
        };
        found.push(Mention { line, path, star, renamed });
        return at;
    }
}

fn goes_on(tokens: &[TokenTree], at: usize) -> bool {
    match tokens.get(at) {
        Some(TokenTree::Ident(_)) => true,
        Some(TokenTree::Group(group)) => group.delimiter() == Delimiter::Brace,
        _ => is(tokens, at, '*'),
    }
}

fn is(tokens: &[TokenTree], at: usize, sign: char) -> bool {
    matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == sign)
}

fn is_colons(tokens: &[TokenTree], at: usize) -> bool {
    is(tokens, at, ':') && is(tokens, at + 1, ':')
}

fn is_float(literal: &str) -> bool {
    let rest = literal.trim_start_matches(|sign: char| sign.is_ascii_digit() || sign == '_');
    rest.len() < literal.len() && (rest.starts_with(['.', 'e', 'E']) || matches!(rest, "f32" | "f64"))
}

/// Every file under a folder of the crate, as paths from the crate's folder, in order.
pub(crate) fn files_under(folder: &str) -> Vec<String> {
    let root = FilePath::new(env!("CARGO_MANIFEST_DIR"));
    let (mut folders, mut files): (Vec<PathBuf>, _) = (vec![root.join(folder)], BTreeSet::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.insert(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    files.into_iter().collect()
}

#[test]
fn the_house_keeps_to_its_plan() {
    let root = FilePath::new(env!("CARGO_MANIFEST_DIR"));
    let files = files_under("src").into_iter().filter(|file| file.ends_with(".rs"));
    let read = |file: String| (file.clone(), fs::read_to_string(root.join(file)).unwrap());
    let house: Vec<(String, String)> = files.map(read).collect();
    let found: Vec<String> = breaches(&house).iter().map(ToString::to_string).collect();
    assert!(found.is_empty(), "the plan of the house is broken {} times:\n{}", found.len(), found.join("\n"));
}

/// What is said of a file that opens well and has `code` on its second line, in a house with some rooms.
fn said_of(file: &str, code: &str) -> Vec<Breach> {
    let rooms = "domain/fund domain/grant domain/laws domain/money domain/record store/log app/views \
        projections/ledger projections/audit graphql/funds graphql/grants exports/fhir web/pages";
    let mut house: Vec<(String, String)> = rooms
        .split_whitespace()
        .map(|room| (format!("src/{room}.rs"), "//! A room.\n".to_owned()))
        .filter(|(room, _)| room != file)
        .collect();
    house.push((file.to_owned(), format!("//! A room.\n{code}")));
    breaches(&house)
}

/// Each line breaks the plan: file | code | words it is told with. A file's code begins on its second line.
const BROKEN: &str = r#"
src/app/run.rs       | use crate::graphql::funds::Fund;                     | app names graphql::funds::Fund
src/app.rs           | fn f() { crate::web::pages::home(); }                | app names web::pages::home
src/app/run.rs       | fn f(page: &dyn ::sidebyside::web::Page) {}          | app names web::Page
src/app/run.rs       | fn f() -> Vec<super::super::cli::Options> { x }      | app names cli::Options
src/app/run.rs       | mod tests { use super::super::super::cli; }          | app names cli
src/store/log.rs     | use crate::{domain::{self, fund::F}, app::{a as b}}; | store names app::a
src/store/log.rs     | use {std::fmt, crate::r#projections};                | store names projections
src/graphql/funds.rs | use crate::store as s;                               | graphql names store
src/graphql/funds.rs | use crate as house; fn f() { house::store::read() }  | graphql names store::read
src/graphql/funds.rs | fn f() { info!(at = crate::store::head()) }          | graphql names store::head
src/graphql/funds.rs | macro_rules! m { () => { $crate::store::Log }; }     | graphql names store::Log
src/graphql/funds.rs | #[serde(with = "crate::store::text")] struct S;      | graphql names store::text
src/web/pages.rs     | use crate::app::views;                               | web names app::views
src/web/pages.rs     | use sidebyside::projections;                         | web names projections
src/web/pages.rs     | use crate::domain::money::Money;                     | may name graphql, auth
src/web/pages.rs     | use crate::*;                                        | a star over the whole crate
src/web/pages.rs     | use super::super as up; fn f() { up::store::read() } | web names store::read
src/helpers/mod.rs   | fn f() {}                                            | src/helpers is not on the plan
src/helpers.rs       | fn f() {}                                            | src/helpers is not on the plan

src/projections/audit.rs     | use super::ledger::Line;                       | audit names ledger, which is its neighbour
src/projections/audit.rs     | use super::*; fn f() { ledger::read() }        | audit names ledger, which is its neighbour
src/projections/audit.rs     | use crate::projections as p; type L = p::ledger::Line; | which is its neighbour
src/graphql/grants/input.rs  | mod m { use crate::graphql::{funds::Fund}; }   | grants names funds, which is its
src/exports/payments.rs      | use super::fhir;                               | payments names fhir, which is its
src/domain/grant.rs          | use super::fund::Fund;                         | grant names fund, but aggregates
src/domain/offer.rs          | use crate::domain::grant::Grant;               | offer names grant, but aggregates
src/domain/grant/award.rs    | use crate::domain::laws;                       | grant names laws, which stands above
src/domain/money.rs          | mod tests { use super::super::fund::Fund; }    | money names fund, but is vocabulary

src/domain/fund.rs | use sqlx::PgPool;                                                | names sqlx::PgPool
src/domain/fund.rs | extern crate rand as dice;                                       | names rand
src/domain/fund.rs | use std::{fmt, fs};                                              | names std::fs
src/domain/fund.rs | use std::time; fn f() { time::Instant::now() }                   | names std::time::Instant
src/domain/fund.rs | use std::time::*;                                                | names std::time
src/domain/fund.rs | use chrono::Utc as Clock; fn f() { Clock::now() }                | names chrono::Utc::now
src/domain/fund.rs | use chrono::prelude::*; fn f() { Utc::now() }                    | names Utc::now
src/domain/fund.rs | use std::time; mod m { use super::*; type T = time::SystemTime; } | std::time::SystemTime
src/domain/fund.rs | mod m { fn f(at: super::t::Instant) {} } use std::time as t;     | std::time::Instant
src/domain/fund.rs | #[tokio::test] fn f() {}                                         | names tokio::test
src/domain/fund.rs | async fn f() {}                                                  | holds no `async`
src/domain/fund.rs | fn f(share: f64) {}                                              | holds no `f64`
src/domain/fund.rs | fn f() { decimal.to_f64() }                                      | holds no `to_f64`
src/domain/fund.rs | fn f() { share(0.5) }                                            | no float such as `0.5`
src/domain/fund.rs | fn f() { m!(0..1e3) }                                            | no float such as `1e3`

src/app/run.rs | fn f() { sqlx::query!("select 1") }                 | sqlx::query outside
src/lib.rs     | pub use sqlx;                                       | sqlx outside
src/cli/mod.rs | // TODO: later                                      | a note of work not done
src/cli/mod.rs | fn f() { m! { todo!() } }                           | `todo!` is work not done
src/cli/mod.rs | #![allow(dead_code)]                                | `#[allow]` goes stale
src/cli/mod.rs | #[cfg_attr(test, allow(dead_code))] fn f() {}       | `#[allow]` goes stale
src/cli/mod.rs | #[expect(dead_code)] fn f() {}                      | say why
src/cli/mod.rs | #[path = "../web/x.rs"] mod x;                      | `#[path]` hides
src/cli/mod.rs | fn f() { ) }                                        | cannot be read as Rust
"#;

/// Each line looks like a breach and is none: file | code.
const SOUND: &str = r#"
src/graphql/funds.rs  | /** Not crate::store. */ /* use crate::store; */ const S: &str = "crate::store";
src/graphql/funds.rs  | fn f(self) { self.store.load(); store(store); Store::new() }
src/graphql/mod.rs    | mod store; use self::store::Cache; fn f() { store::warm(); self::store::warm() }
src/graphql/mod.rs    | mod funds; mod grants; pub use funds::Fund; pub use self::grants::Grant;
src/graphql/funds.rs  | use super::Page; use super::money; use crate::{app, domain::fund, auth as who};
src/graphql/grants/input.rs | use super::{Grant, output}; use crate::graphql::grants::output::Answer;
src/domain/mod.rs     | mod rand; use rand::roll; use self::rand::turn; fn f() { rand::roll() }
src/domain/grant.rs   | use super::{money::Money, Aggregate}; use chrono::{Utc, DateTime}; fn f(now: u8) { now }
src/domain/grant.rs   | fn f() { pair.0.1; 0..1usize; 0x1e5; a::<T>::rand(); "0.5"; 'f' } mod award;
src/domain/grant.rs   | refusals! { enum R { "no.todo" => No, "std::fs and f64, or async"; } }
src/domain/laws.rs    | use super::{fund::Fund, grant::Grant, record::Record}; use crate::domain::postings;
src/projections/ledger.rs | use sqlx::PgPool; use crate::{store::log, domain::laws}; impl ::serde::S for T {}
src/web/pages.rs      | use crate::graphql::Schema; mod app { fn f() {} } fn f() { app::f(); self::app::f() }
src/web/pages.rs      | mod tests { use super::*; #[expect(dead_code, reason = "allow(x)")] fn f() {} }
src/main.rs           | use sidebyside::{cli, store}; fn main() {}
src/cli/mod.rs        | #[arg(path, value = "a::b")] #[doc = "crate::web"] struct S;
src/cli/mod.rs        | use crate::{app, web, store::log}; fn f() -> impl Sized + use<'_> { expect(allow(1)) }
"#;

fn rows(table: &str) -> impl Iterator<Item = Vec<&str>> {
    table.lines().filter(|line| !line.is_empty()).map(|line| line.split(" | ").map(str::trim).collect())
}

#[test]
fn each_kind_of_breach_is_caught() {
    for row in rows(BROKEN) {
        let [file, code, says] = row[..] else { panic!("{row:?}") };
        let found = said_of(file, code);
        let expected = |it: &Breach| it.file == file && it.line <= 2 && it.says.contains(says);
        assert!(found.iter().any(expected), "{file} with\n{code}\nis not told \"{says}\" but {found:#?}");
    }
}

#[test]
fn innocent_code_passes() {
    for row in rows(SOUND) {
        let [file, code] = row[..] else { panic!("{row:?}") };
        assert_eq!(said_of(file, code), [], "{file} with\n{code}");
    }
}

#[test]
fn a_file_opens_with_its_room_and_stays_short() {
    let bare = breaches(&[("src/cli/mod.rs".to_owned(), "// A comment is not a room.\n".repeat(601))]);
    assert_eq!(bare.iter().map(|breach| breach.line).collect::<Vec<_>>(), [1, 601], "{bare:?}");
    assert_eq!(said_of("src/cli/mod.rs", &"\n".repeat(599)), []);
}
