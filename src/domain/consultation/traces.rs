//! What in a text looks as if it could tell who somebody is: names, phone numbers, e-mail addresses, postcodes, NHS
//! numbers. A help for whoever reads before something is published, and no more: it misses names it does not know.

use std::collections::BTreeSet;

codes! {
    /// Something in a text that looks as if it could tell who somebody is.
    pub enum Trace {
        "name" => Name, "a name";
        "phone" => Phone, "a phone number";
        "email" => Email, "an e-mail address";
        "postcode" => Postcode, "a postcode";
        "nhs_number" => NhsNumber, "an NHS number";
    }
}

/// What stands before a surname.
const TITLES: &str = "mr mrs ms miss mx dr doctor prof professor rev reverend nurse";

/// Who is often named next: `my son Tomos`.
const KIN: &str = "son daughter brother sister husband wife partner mother father mum dad nan nana grandad grandma \
    uncle aunt auntie cousin friend mate neighbour baby boy girl carer worker nurse doctor gp";

/// First names that are no other word at the beginning of a sentence or in a place name, as heard around here.
const FIRST_NAMES: &str = "aaron abdul abdullah adam adele agnes agnieszka ahmed aisha alan alex alexander alexandra \
    ali alice alicia alison amanda amina amir amy andrea andrew andy angela anita ann anna anne annie anthony antonio \
    arthur asha ashley barbara barry becky ben benjamin bernadette bernard beth betty billy bob brenda brian \
    bridget caitlin callum carl caroline catherine cathy charlie charlotte chidi chloe chris christine \
    christopher ciara claire clare colin conor craig daniel danielle darren dave david deborah debbie denise dennis \
    derek diane donna doreen dorothy doris eddie edith edward eileen elaine eleanor elizabeth ellie emily emma eric \
    esther ethel eva evelyn fatima fiona francesca fred freda gareth gary gemma geoff george gerald gillian \
    gladys glenn gloria gordon graham greg hannah harriet harry hassan helen helena henry hilda \
    hussain ian ibrahim irene isaac isabel isabella ivan jackie jacob jake james jamie jane janet janice \
    jason jayne jean jeff jennifer jenny jessica jill jim jimmy joan joanna joanne joe joel john johnny jonathan \
    joseph joshua joyce judith julia julie karen karl kate katherine kathleen katie keith kelly ken kenneth kerry \
    kevin khadija kieran kim kirsty krzysztof kwame kyle laura lauren leanne leila lesley liam lily linda lisa lorraine \
    louise lucas lucy lydia lynn maggie malcolm margaret maria marian marie marilyn marjorie martha martin mary \
    maryam matthew maureen megan mehmet melanie melissa mia michael michelle mick mike mohamed mohammad mohammed \
    moira molly monica muhammad mustafa nadia nancy natalie natasha nathan neil niamh nicholas nicola nigel noah \
    noor nora norma norman oliver olivia omar oscar owen pamela patricia patrick paul paula pauline peggy \
    peter philip phyllis piotr rachel ralph raymond rebecca reuben richard rita robert roger ronald \
    ruth ryan sally sam samantha samuel sandra sarah sean sharon sheila shirley sian simon sophie stacey stan stella \
    stephanie stephen steve steven stuart sue susan suzanne sylvia tanya tariq teresa terry theresa thomas tim \
    tina tom tomasz tommy tony tracey tracy trevor valerie vera veronica victor vincent walter wayne wendy \
    yasmin yolanda yusuf yvonne zainab zara zoe";

/// What in a text looks as if it could tell who somebody is.
#[must_use]
pub fn traces(text: &str) -> BTreeSet<Trace> {
    let words: Vec<&str> = text.split_whitespace().map(bare).filter(|word| !word.is_empty()).collect();
    let mut found = numbers(text);
    if names_somebody(&words) {
        found.insert(Trace::Name);
    }
    if words.iter().any(|word| is_email(word)) {
        found.insert(Trace::Email);
    }
    let joined = words.iter().any(|word| is_postcode(word));
    if joined || words.windows(2).any(|pair| is_postcode(&pair.concat())) {
        found.insert(Trace::Postcode);
    }
    found
}

/// A word without what stands around it, and without the ’s that says whose something is.
fn bare(word: &str) -> &str {
    let word = word.trim_matches(|sign: char| !sign.is_alphanumeric());
    word.strip_suffix("’s").or_else(|| word.strip_suffix("'s")).unwrap_or(word)
}

fn is_one_of(list: &str, word: &str) -> bool {
    let word = word.to_lowercase();
    list.split_whitespace().any(|known| known == word)
}

fn has_capital(word: &str) -> bool {
    word.chars().next().is_some_and(char::is_uppercase)
}

/// A first name, `Mrs Example`, `my son Tomos`, `my name is …`.
fn names_somebody(words: &[&str]) -> bool {
    let saint = |place: usize| place > 0 && is_one_of("st saint", words[place - 1]);
    let known = words
        .iter()
        .enumerate()
        .any(|(place, word)| has_capital(word) && is_one_of(FIRST_NAMES, word) && !saint(place));
    let pairs = || words.windows(2);
    let titled = pairs().any(|pair| is_one_of(TITLES, pair[0]) && has_capital(pair[1]));
    let kin = pairs().any(|pair| {
        is_one_of(KIN, pair[0]) && !has_capital(pair[0]) && has_capital(pair[1]) && pair[1].len() > 1
    });
    let said = words.windows(3).any(|three| {
        let lower = |word: &str| word.to_lowercase();
        lower(three[0]) == "my" && lower(three[1]) == "name" && matches!(&*lower(three[2]), "is" | "was")
    });
    known || titled || kin || said
}

fn is_email(word: &str) -> bool {
    word.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
}

/// One letter or two, a digit, a digit or letter or neither; then a digit and two letters.
fn is_postcode(word: &str) -> bool {
    let signs: Vec<char> = word.to_uppercase().chars().collect();
    let Some(cut) = signs.len().checked_sub(3).filter(|cut| (2..=4).contains(cut)) else { return false };
    let (outward, inward) = signs.split_at(cut);
    let letters = outward.iter().take_while(|sign| sign.is_ascii_uppercase()).count();
    let rest = &outward[letters.min(outward.len())..];
    let ends = match rest {
        [digit] => digit.is_ascii_digit(),
        [digit, last] => digit.is_ascii_digit() && last.is_ascii_alphanumeric(),
        _ => false,
    };
    let inside = inward[0].is_ascii_digit() && inward[1..].iter().all(char::is_ascii_uppercase);
    (1..=2).contains(&letters) && ends && inside
}

/// Phone numbers and NHS numbers, written together or in groups.
fn numbers(text: &str) -> BTreeSet<Trace> {
    let mut found = BTreeSet::new();
    for run in text.split(|sign: char| !(sign.is_ascii_digit() || " -.()+\u{a0}".contains(sign))) {
        let abroad = run.trim_start().starts_with('+');
        let digits: Vec<u32> = run.chars().filter_map(|sign| sign.to_digit(10)).collect();
        let at_home = digits.windows(10).any(|ten| ten[0] == 0 && matches!(ten[1], 1 | 2 | 3 | 7 | 8));
        if at_home || (abroad && digits.len() >= 10) {
            found.insert(Trace::Phone);
        } else if digits.len() == 10 && is_nhs_number(&digits) {
            found.insert(Trace::NhsNumber);
        }
    }
    found
}

/// The check digit of an NHS number: nine digits weighted 10 to 2, modulus 11, as the NHS Data Dictionary has it.
fn is_nhs_number(digits: &[u32]) -> bool {
    let sum: u32 = digits.iter().zip((2..=10).rev()).map(|(digit, weight)| digit * weight).sum();
    let check = (11 - sum % 11) % 11;
    digits.last() == Some(&check) && digits.iter().any(|digit| *digit != digits[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn found(text: &str, wanted: &[Trace]) {
        assert_eq!(traces(text), wanted.iter().copied().collect(), "{text}");
    }

    #[test]
    fn names_are_found_where_people_write_them() {
        for text in [
            "Ask Sandra at the desk.",
            "it was Kevin’s idea",
            "mrs Example was kind to me",
            "My name is written on the door.",
            "my son Tadhg cannot come",
            "I asked my nurse Ignatia",
        ] {
            found(text, &[Trace::Name]);
        }
    }

    #[test]
    fn addresses_and_numbers_are_found_however_they_are_grouped() {
        found("write to someone@example.org.", &[Trace::Email]);
        found("ring 0151 496 0000 after six", &[Trace::Phone]);
        found("ring (01514) 960000", &[Trace::Phone]);
        found("text +44 7700 900000", &[Trace::Phone]);
        found("number 999 000 0018", &[Trace::NhsNumber]);
        found("number 9990000018", &[Trace::NhsNumber]);
        found("number 999 000 0019", &[]);
        found("in L1 8JQ, by the docks", &[Trace::Postcode]);
        found("in l18jq", &[Trace::Postcode]);
        let all = "Ask Brian, 0151 496 0000, brian@example.org, L1 8JQ";
        found(all, &[Trace::Name, Trace::Phone, Trace::Email, Trace::Postcode]);
    }

    #[test]
    fn what_people_say_of_places_days_and_money_is_let_be() {
        for text in [
            "A break for unpaid carers that they can count on",
            "The bus to Southport stops at 6 and costs £2.50 on Bank Holiday Monday.",
            "My friend is Deaf; British Sign Language would open the door.",
            "By 31 March 2027, 12 rooms in Bootle, Knowsley and St Helens",
            "The first 10 weeks, 24 hours a day, 365 days of 2026",
            "I am a mum. I mark the days in May and hope for grace.",
            "me @ home",
            "the hall of St John’s, behind the market",
        ] {
            found(text, &[]);
        }
    }
}
