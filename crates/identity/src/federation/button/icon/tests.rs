//! Pictures that are icons, and files that are none.

use super::*;

const SVG: &str =
    r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><path d="M0 0h8v8z"/></svg>"##;

fn png_of(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = PNG.to_vec();
    bytes.extend(13_u32.to_be_bytes());
    bytes.extend(b"IHDR");
    bytes.extend(width.to_be_bytes());
    bytes.extend(height.to_be_bytes());
    bytes.extend([8, 6, 0, 0, 0]);
    bytes
}

fn read(text: &str) -> Result<Icon, IconError> {
    Icon::read(text.as_bytes().to_vec())
}

#[test]
fn pictures_are_told_by_what_they_are() {
    assert_eq!(Icon::read(png_of(64, 64)).map(|icon| icon.media_type()), Ok("image/png"));
    for svg in
        [SVG.to_owned(), format!("\u{feff}<?xml version=\"1.0\"?>\n{SVG}\n"), SVG.to_uppercase()]
    {
        assert_eq!(read(&svg).map(|icon| icon.media_type()), Ok("image/svg+xml"), "{svg}");
    }
    for other in [
        "",
        "GIF89a",
        "<html><svg></svg></html>",
        "<?xml version=\"1.0\"?><a/>",
        "<svg",
        "\u{89}PNG",
    ] {
        assert_eq!(read(other), Err(IconError::Unknown), "{other}");
    }
    assert_eq!(Icon::read(PNG.to_vec()), Err(IconError::Unknown), "a beginning alone");
    assert_eq!(Icon::read(vec![0xff, 0xd8, 0xff]), Err(IconError::Unknown), "a photograph");
}

#[test]
fn an_icon_is_small_in_every_sense() {
    let long = format!("{SVG}<!--{}-->", "x".repeat(MAX_ICON));
    assert_eq!(read(&long), Err(IconError::TooLarge));
    let mut full = png_of(1, 1);
    full.resize(16 * 1024, 0);
    assert!(Icon::read(full.clone()).is_ok());
    full.push(0);
    assert_eq!(Icon::read(full), Err(IconError::TooLarge));
    assert!(Icon::read(png_of(512, 512)).is_ok());
    for (width, height) in [(0, 8), (8, 0), (513, 8), (8, u32::MAX)] {
        assert_eq!(Icon::read(png_of(width, height)), Err(IconError::Side), "{width}x{height}");
    }
}

#[test]
fn a_picture_that_would_do_something_is_none() {
    for inside in [
        "<script>alert(1)</script>",
        "<SCRIPT/>",
        "<foreignObject/>",
        "<a href=\"javascript:alert(1)\"/>",
    ] {
        assert_eq!(
            read(&SVG.replace("</svg>", &format!("{inside}</svg>"))),
            Err(IconError::Active)
        );
    }
    let bomb = format!("<!DOCTYPE svg [<!ENTITY a \"aaaa\">]>{SVG}");
    assert_eq!(read(&bomb), Err(IconError::Active));
}

#[test]
fn it_is_kept_as_a_text_that_says_what_it_is() {
    let icon = read(SVG).expect("an icon");
    let text = serde_json::to_string(&icon).expect("JSON");
    assert!(text.starts_with("\"image/svg+xml;base64,"), "{text}");
    assert_eq!(serde_json::from_str::<Icon>(&text).expect("the same"), icon);
    assert_eq!(icon.bytes(), SVG.as_bytes());
    let lie = text.replace("image/svg+xml", "image/png");
    assert!(serde_json::from_str::<Icon>(&lie).is_err(), "a kind that it is not");
    let other = read(&SVG.replace("h8", "h7")).expect("another");
    assert_ne!(icon.file_name(), other.file_name());
    assert!(icon.file_name().ends_with(".svg"), "{}", icon.file_name());
}
