//! Colours that can be read on, and labels that say what they show.

use super::*;

fn colour(text: &str) -> Colour {
    text.parse().expect("a colour")
}

#[test]
fn a_colour_is_six_digits_and_nothing_else() {
    assert_eq!(String::from(colour("#0B5cAd")), "#0b5cad");
    for bad in ["", "#", "0b5cad", "#0b5ca", "#0b5cadd", "#+b5cad", "#0b5cag", "red", "#０b5cad"] {
        let error = Colour::try_from(bad.to_owned()).expect_err(bad);
        assert!(error.to_string().starts_with(&format!("\"{bad}\" is no colour")), "{error}");
    }
}

/// Figures that are known elsewhere: the extremes, the grey on white that is just enough, and a
/// black that is not quite.
#[test]
fn contrast_is_what_the_guidelines_say() {
    assert!((Colour::BLACK.contrast(Colour::WHITE) - 21.0).abs() < 1e-9);
    assert!((Colour::WHITE.contrast(Colour::WHITE) - 1.0).abs() < 1e-9);
    assert!(colour("#767676").contrast(Colour::WHITE) >= 4.5);
    assert!(colour("#777777").contrast(Colour::WHITE) < 4.5);
    assert!((colour("#ff0000").contrast(Colour::WHITE) - 4.0).abs() < 0.005);
    assert!((colour("#0a0a0a").contrast(Colour::WHITE) - 19.80).abs() < 0.005);
    assert!((colour("#0000ff").contrast(Colour::WHITE) - 8.59).abs() < 0.005);
}

#[test]
fn whatever_the_colour_what_is_written_on_it_can_be_read() {
    for red in (0..=255).step_by(5) {
        for green in (0..=255).step_by(5) {
            for blue in (0..=255).step_by(5) {
                let ground = Colour([red, green, blue]);
                assert!(ground.contrast(ground.ink()) >= 4.5, "{}", ground.digits());
            }
        }
    }
    assert_eq!(colour("#ffff00").ink(), Colour::BLACK);
    assert_eq!(colour("#0b5cad").ink(), Colour::WHITE);
}

#[test]
fn a_label_is_one_line_that_shows_all_that_it_says() {
    for good in ["A", "Sign in with Acme", "Ключ", &"x".repeat(60)] {
        assert_eq!(check_label(good), Ok(()), "{good}");
    }
    let bad = [
        "",
        " ",
        " Acme",
        "Acme ",
        "Ac\nme",
        "Ac\u{2028}me",
        "Ac\u{202e}em",
        "\u{200b}",
        "a\u{feff}b",
        "a\u{ad}b",
        "\u{3164}",
    ];
    for bad in bad.into_iter().map(str::to_owned).chain(["x".repeat(61)]) {
        assert_eq!(check_label(&bad), Err(ButtonError::Label), "{bad:?}");
    }
}
