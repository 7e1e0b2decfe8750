//! The languages that people can choose, each by its own name.

use minijinja::{Value, context};

/// BCP 47 tag and name.
const LANGUAGES: [(&str, &str); 30] = [
    ("bg", "Български"),
    ("cs", "Čeština"),
    ("da", "Dansk"),
    ("de", "Deutsch"),
    ("et", "Eesti"),
    ("el", "Ελληνικά"),
    ("en", "English"),
    ("es", "Español"),
    ("fr", "Français"),
    ("ga", "Gaeilge"),
    ("hr", "Hrvatski"),
    ("it", "Italiano"),
    ("ja", "日本語"),
    ("ko", "한국어"),
    ("lv", "Latviešu"),
    ("lt", "Lietuvių"),
    ("hu", "Magyar"),
    ("mt", "Malti"),
    ("nl", "Nederlands"),
    ("nb", "Norsk bokmål"),
    ("pl", "Polski"),
    ("pt", "Português"),
    ("ro", "Română"),
    ("sk", "Slovenčina"),
    ("sl", "Slovenščina"),
    ("fi", "Suomi"),
    ("sv", "Svenska"),
    ("tr", "Türkçe"),
    ("uk", "Українська"),
    ("zh", "中文"),
];

/// Choices for a list, with the one of `chosen` marked. A tag that is none of them, such as one
/// that a provider said, stands in the list as well: saving the page must not change it.
pub(super) fn languages(chosen: &str) -> Vec<Value> {
    let known = LANGUAGES.iter().any(|(tag, _)| *tag == chosen);
    let other = (!known && !chosen.is_empty()).then_some((chosen, name_of(chosen)));
    let known = LANGUAGES.iter().map(|(tag, name)| (*tag, (*name).to_owned()));
    let choice = |(tag, name): (&str, String)| {
        context! { tag, name, lang => tag, chosen => tag == chosen }
    };
    other.into_iter().chain(known).map(choice).collect()
}

/// `Deutsch (de-AT)`; the tag alone where its language is not in the list.
fn name_of(tag: &str) -> String {
    let language = tag.split('-').next().unwrap_or(tag);
    let known = LANGUAGES.iter().find(|(own, _)| own.eq_ignore_ascii_case(language));
    known.map_or_else(|| tag.to_owned(), |(_, name)| format!("{name} ({tag})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(chosen: &str) -> Vec<(String, bool)> {
        let field = |value: &Value, name: &str| value.get_attr(name).expect("a field");
        let pair =
            |value: &Value| (field(value, "name").to_string(), field(value, "chosen").is_true());
        languages(chosen).iter().map(pair).collect()
    }

    #[test]
    fn a_language_that_is_not_in_the_list_stays_chosen() {
        assert_eq!(names("de-AT")[0], ("Deutsch (de-AT)".to_owned(), true));
        assert_eq!(names("tlh")[0], ("tlh".to_owned(), true));
        for chosen in ["de", ""] {
            let chosen_now: Vec<_> = names(chosen).into_iter().filter(|(_, is)| *is).collect();
            let expected =
                if chosen.is_empty() { vec![] } else { vec![("Deutsch".to_owned(), true)] };
            assert_eq!(chosen_now, expected);
            assert_eq!(names(chosen).len(), LANGUAGES.len());
        }
    }
}
