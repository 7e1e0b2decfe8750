//! What pages are dressed with: the style sheet, and the icons and colours of buttons.

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use identity::federation::button::Colour;

use super::STYLE;
use crate::app::App;

/// Where icons are.
pub(crate) const ICON_FOLDER: &str = "/assets/";

const CSS: &str = "text/css; charset=utf-8";

/// Each address changes with its content, so nothing has to be asked for again.
const KEPT: &str = "public, max-age=31536000, immutable";

/// `GET /assets/{file}`, and below the folder of ours on a protected host.
pub async fn asset(State(app): State<App>, Path(file): Path<String>) -> Response {
    if app.pages.style_path().strip_prefix("/assets/") == Some(&*file) {
        return kept(CSS, STYLE.to_owned());
    }
    if let Some(colour) = colour_of(&file) {
        return kept(CSS, dressed_in(colour));
    }
    match app.directory.now().icon(&file) {
        Some(icon) => kept(icon.media_type(), icon.bytes().to_vec()),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn kept(kind: &'static str, body: impl IntoResponse) -> Response {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, KEPT)], body).into_response()
}

/// Where the style of buttons of this colour is. Pages have no styles of their own (`style-src` is
/// 'self'), and a sheet of each colour, made from its name, is the same in every process.
pub(crate) fn colour_sheet(colour: Colour) -> String {
    format!("/assets/colour-{}.css", colour.digits())
}

fn colour_of(file: &str) -> Option<Colour> {
    let digits = file.strip_prefix("colour-")?.strip_suffix(".css")?;
    Colour::from_digits(digits).filter(|colour| colour.digits() == digits)
}

fn dressed_in(colour: Colour) -> String {
    let (ground, ink) = (colour.digits(), colour.ink().digits());
    format!("a.button.colour-{ground} {{ background: #{ground}; color: #{ink}; }}\n")
}
