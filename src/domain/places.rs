//! Where and for whom: the areas of the region and the communities a partner serves.

codes! {
    /// An area of the region that partners work in and funds are meant for.
    pub enum Area {
        "liverpool_north" => LiverpoolNorth, "North Liverpool";
        "liverpool_central" => LiverpoolCentral, "Central Liverpool";
        "liverpool_south" => LiverpoolSouth, "South Liverpool";
        "sefton_north" => SeftonNorth, "North Sefton";
        "sefton_south" => SeftonSouth, "South Sefton";
        "knowsley" => Knowsley, "Knowsley";
        "st_helens" => StHelens, "St Helens";
        "halton" => Halton, "Halton";
        "warrington" => Warrington, "Warrington";
        "wirral" => Wirral, "Wirral";
        "online" => Online, "Online";
    }
}

codes! {
    /// A community a partner serves: who its work is for.
    pub enum Community {
        "everyone" => Everyone, "everyone";
        "older_people" => OlderPeople, "older people";
        "young_people" => YoungPeople, "children and young people";
        "carers" => Carers, "unpaid carers";
        "disabled_people" => DisabledPeople, "disabled people";
        "deaf_people" => DeafPeople, "Deaf people";
        "racially_minoritised" => RaciallyMinoritised, "racially minoritised communities";
        "refugees" => Refugees, "refugees and people seeking asylum";
        "lgbtq" => Lgbtq, "LGBTQ+ people";
        "men" => Men, "men";
        "women" => Women, "women";
        "people_in_poverty" => PeopleInPoverty, "people on low incomes";
        "homeless_people" => HomelessPeople, "people who are homeless";
        "people_in_recovery" => PeopleInRecovery, "people in recovery";
        "mental_health" => MentalHealth, "people living with mental ill health";
        "veterans" => Veterans, "veterans";
    }
}

codes! {
    /// What kind of place activity happens in.
    pub enum Setting {
        "own_site" => OwnSite, "a site of our own";
        "partners_place" => PartnersPlace, "a partner’s place";
        "online" => Online, "online";
    }
}

/// The words of several codes for a sentence: `a, b and c`.
pub(crate) fn listed<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<&str> = words.into_iter().collect();
    match words.as_slice() {
        [] => "none".into(),
        [one] => (*one).into(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
