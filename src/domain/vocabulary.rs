//! Words that offers, contacts, prescriptions and consultations share: what people need, languages, access, ages.
//! Codes are stored and stay for ever; new ones may be added.

codes! {
    /// What somebody needs, as advisors and partners name it: never a diagnosis.
    pub enum NeedCode {
        "loneliness" => Loneliness, "company and belonging";
        "wellbeing" => Wellbeing, "mental wellbeing";
        "being_active" => BeingActive, "being active";
        "creativity" => Creativity, "arts and creativity";
        "learning" => Learning, "learning";
        "work" => Work, "work and volunteering";
        "money" => Money, "money and benefits";
        "debt" => Debt, "debt";
        "food" => Food, "food";
        "warmth" => Warmth, "a warm home";
        "housing" => Housing, "housing";
        "caring" => Caring, "caring for somebody";
        "bereavement" => Bereavement, "bereavement";
        "parenting" => Parenting, "parenting and family life";
        "digital" => Digital, "getting online";
        "transport" => Transport, "getting about";
        "recovery" => Recovery, "recovery from alcohol or drugs";
        "safety" => Safety, "safety from abuse";
        "legal" => Legal, "legal and immigration advice";
        "healthy_living" => HealthyLiving, "healthy living";
    }
}

codes! {
    /// A language something is offered in, by its BCP 47 tag.
    pub enum Language {
        "en" => English, "English";
        "bfi" => BritishSignLanguage, "British Sign Language";
        "ar" => Arabic, "Arabic";
        "bn" => Bengali, "Bengali";
        "zh" => Chinese, "Chinese";
        "cy" => Welsh, "Welsh";
        "fa" => Farsi, "Farsi";
        "fr" => French, "French";
        "ku" => Kurdish, "Kurdish";
        "pl" => Polish, "Polish";
        "pt" => Portuguese, "Portuguese";
        "ro" => Romanian, "Romanian";
        "so" => Somali, "Somali";
        "es" => Spanish, "Spanish";
        "ti" => Tigrinya, "Tigrinya";
        "uk" => Ukrainian, "Ukrainian";
        "ur" => Urdu, "Urdu";
    }
}

codes! {
    /// What makes it possible for people to take part.
    pub enum Access {
        "step_free" => StepFree, "step-free";
        "accessible_toilet" => AccessibleToilet, "accessible toilet";
        "hearing_loop" => HearingLoop, "hearing loop";
        "sign_interpreter" => SignInterpreter, "sign language interpreter";
        "easy_read" => EasyRead, "easy read";
        "large_print" => LargePrint, "large print";
        "quiet_space" => QuietSpace, "quiet space";
        "parking" => Parking, "parking for disabled people";
        "bus_stop" => BusStop, "a bus stop near by";
        "travel_paid" => TravelPaid, "travel paid for";
        "childcare" => Childcare, "childcare";
        "carers_welcome" => CarersWelcome, "carers and companions welcome";
        "assistance_dogs" => AssistanceDogs, "assistance dogs welcome";
    }
}

codes! {
    /// An age in bands, all that is kept of it outside the vault.
    pub enum AgeBand {
        "under_16" => Under16, "under 16";
        "16_to_24" => From16To24, "16 to 24";
        "25_to_34" => From25To34, "25 to 34";
        "35_to_49" => From35To49, "35 to 49";
        "50_to_64" => From50To64, "50 to 64";
        "65_to_79" => From65To79, "65 to 79";
        "80_and_over" => From80, "80 and over";
    }
}

codes! {
    /// How somebody is talked to.
    pub enum Channel {
        "in_person" => InPerson, "in person";
        "phone" => Phone, "by telephone";
        "online" => Online, "online";
    }
}

codes! {
    /// A thing about a person that they may agree to have shared with a partner.
    pub enum SharedItem {
        "name" => Name, "name";
        "phone" => Phone, "telephone number";
        "email" => Email, "email address";
        "address" => Address, "postal address";
        "date_of_birth" => DateOfBirth, "date of birth";
        "age_band" => AgeBand, "age in bands";
        "needs" => Needs, "what they need";
        "notes" => Notes, "what helps them take part";
    }
}
